package postgres

import (
	"fmt"
	"strings"

	"salve/storage/internal/ledger"
	"salve/storage/internal/query"
)

// gathered are the inserts of a group that become one statement each. No other
// statement of the same transaction depends on their being later: their rows
// refer to nothing, and nothing deletes them.
var gathered = map[string]bool{
	query.InsertBody: true, query.InsertAlert: true, query.InsertDelivery: true, query.InsertEvent: true,
}

// gather makes one statement of inserts that are alike, at the place of the
// first: a storm is some thousand rows and some dozen statements.
func gather(puts []ledger.Put) []ledger.Put {
	counts := make(map[string]int, len(gathered))
	for _, p := range puts {
		if gathered[p.Text] {
			counts[p.Text]++
		}
	}
	out := make([]ledger.Put, 0, len(puts))
	at := make(map[string]int, len(gathered))
	for _, p := range puts {
		if counts[p.Text] < 2 {
			out = append(out, p)
			continue
		}
		i, begun := at[p.Text]
		if !begun {
			i = len(out)
			at[p.Text] = i
			out = append(out, ledger.Put{Doing: p.Doing, Text: manyOf(p), Args: columns(p.Args, counts[p.Text])})
		}
		for k, v := range p.Args {
			out[i].Args[k] = appendTo(out[i].Args[k], v)
		}
	}
	return out
}

// manyOf turns INSERT ... VALUES ($1, ...) into one that takes columns.
func manyOf(p ledger.Put) string {
	head, _, _ := strings.Cut(p.Text, " VALUES ")
	casts := make([]string, len(p.Args))
	for i, a := range p.Args {
		casts[i] = fmt.Sprintf("$%d::%s[]", i+1, typeOf(a))
	}
	return head + " SELECT * FROM unnest(" + strings.Join(casts, ", ") + ")"
}

func typeOf(a any) string {
	switch a.(type) {
	case int64:
		return "BIGINT"
	case []byte:
		return "BYTEA"
	default:
		return "TEXT"
	}
}

func columns(args []any, n int) []any {
	cols := make([]any, len(args))
	for i, a := range args {
		switch a.(type) {
		case int64:
			cols[i] = make([]int64, 0, n)
		case []byte:
			cols[i] = make([][]byte, 0, n)
		default:
			cols[i] = make([]string, 0, n)
		}
	}
	return cols
}

func appendTo(col, v any) any {
	switch col := col.(type) {
	case []int64:
		return append(col, v.(int64))
	case [][]byte:
		return append(col, v.([]byte))
	case []string:
		return append(col, cleanText(v.(string)))
	default:
		panic("a column of no known type")
	}
}
