package brief_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/brief"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "run go test -update, then read what it wrote")
	require.Equal(t, string(want), got)
}

// show writes a Message as a surface without colours would.
func show(m bot.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %d lines", m.Kind, m.Tone, brief.Height(m))
	if m.Broadcast {
		b.WriteString(", broadcast")
	}
	fmt.Fprintf(&b, "\nalone: %s\n\n", m.Alone)
	if len(m.Title) > 0 {
		fmt.Fprintf(&b, "# %s\n", spans(m.Title))
	}
	b.WriteString(showLines(m.Lines))
	b.WriteString(showRows(m.Rows))
	for _, x := range m.Buttons {
		b.WriteString(showButton(x))
	}
	for _, x := range m.More {
		b.WriteString("more: " + showButton(x))
	}
	return b.String()
}

func showForm(f bot.Form) string {
	var b strings.Builder
	fmt.Fprintf(&b, "form: %s\n\n%s", f.Title, showLines(f.Lines))
	for _, x := range f.Fields {
		fmt.Fprintf(&b, "%s (%s, %s) = %q", x.Label, x.Name, x.Kind, x.Value)
		if x.Optional {
			b.WriteString(", optional")
		}
		if x.Hint != "" {
			fmt.Fprintf(&b, " -- %s", x.Hint)
		}
		for _, c := range x.Choices {
			fmt.Fprintf(&b, "\n    %s: %s", c.Value, c.Label)
		}
		b.WriteString("\n")
	}
	b.WriteString(showRows(f.Rows))
	if f.Submit != "" {
		fmt.Fprintf(&b, "[%s] %s\n", f.Submit, press(f.Press))
	}
	return b.String()
}

func showLines(lines []bot.Line) string {
	var b strings.Builder
	for _, l := range lines {
		switch l.Kind {
		case bot.LineQuiet:
			fmt.Fprintf(&b, "  (%s)\n", spans(l.Spans))
		case bot.LineItem:
			fmt.Fprintf(&b, "- %s\n", spans(l.Spans))
		case bot.LineHead:
			fmt.Fprintf(&b, "## %s\n", spans(l.Spans))
		case bot.LineCode:
			fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(spans(l.Spans), "\n", "\n    "))
		default:
			fmt.Fprintf(&b, "%s\n", spans(l.Spans))
		}
	}
	return b.String()
}

func showRows(rows []bot.Row) string {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(showLines([]bot.Line{r.Line}))
		if r.Button != nil {
			b.WriteString("    " + showButton(*r.Button))
		}
	}
	return b.String()
}

func spans(list []bot.Span) string {
	var b strings.Builder
	for _, s := range list {
		text := s.Text
		if !s.At.IsZero() {
			text = s.At.UTC().Format("{2 Jan 15:04}")
		}
		switch s.Style {
		case bot.SpanStrong:
			text = "*" + text + "*"
		case bot.SpanCode:
			text = "`" + text + "`"
		}
		if s.URL != "" {
			text += " <" + s.URL + ">"
		}
		b.WriteString(text)
	}
	return b.String()
}

func showButton(x bot.Button) string {
	style := ""
	if x.Style != "" {
		style = " (" + x.Style + ")"
	}
	text := fmt.Sprintf("[%s]%s %s", x.Label, style, press(x.Press))
	if x.Twin != "" {
		text += " = " + x.Twin
	}
	if x.Confirm != "" {
		text += "\n    sure? " + x.Confirm
	}
	return text + "\n"
}

func press(p bot.Press) string {
	text := string(p.Kind)
	switch p.Kind {
	case bot.PressShow:
		text += " " + string(p.Show)
	default:
		text += " " + string(p.Command.Verb)
	}
	if len(p.Asks) > 0 {
		text += " asks " + strings.Join(p.Asks, "+")
	}
	return text
}
