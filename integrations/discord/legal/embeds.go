package legal

import (
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const maxEmbedRunes = 6_000 // of all embeds of a message together

// checkEmbeds checks what the schema does not: it has the length of each part.
func (c *checker) checkEmbeds(value any, where string) {
	list, _ := value.([]any)
	sum := 0
	for i, e := range list {
		if embed, ok := e.(map[string]any); ok {
			sum += c.checkEmbed(embed, at(where, i))
		}
	}
	if sum > maxEmbedRunes {
		c.add(where, "sum", "%d characters in all embeds, %d are allowed", sum, maxEmbedRunes)
	}
}

// checkEmbed returns how many characters count to the sum.
func (c *checker) checkEmbed(embed map[string]any, where string) int {
	author, _ := embed["author"].(map[string]any)
	footer, _ := embed["footer"].(map[string]any)
	sum := runes(embed["title"]) + runes(embed["description"]) + runes(author["name"]) + runes(footer["text"])
	fields, _ := embed["fields"].([]any)
	for i, f := range fields {
		field, _ := f.(map[string]any)
		for _, name := range []string{"name", "value"} {
			sum += runes(field[name])
			if blank(text(field[name])) {
				c.add(at(where+"/fields", i)+"/"+name, "empty", "has nothing to show")
			}
		}
	}
	if sum == 0 && embed["image"] == nil && embed["thumbnail"] == nil {
		c.add(where, "empty", "an embed needs something to show")
	}
	c.checkTimestamp(embed["timestamp"], where+"/timestamp")
	c.checkAddresses(embed, where)
	return sum
}

func (c *checker) checkTimestamp(value any, where string) {
	stamp, ok := value.(string)
	if !ok {
		return
	}
	if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil {
		c.add(where, "timestamp", "is no time as RFC 3339 writes it")
	}
}

func (c *checker) checkAddresses(embed map[string]any, where string) {
	author, _ := embed["author"].(map[string]any)
	footer, _ := embed["footer"].(map[string]any)
	image, _ := embed["image"].(map[string]any)
	thumbnail, _ := embed["thumbnail"].(map[string]any)
	c.checkURL(embed["url"], where+"/url", "http", "https")
	c.checkURL(author["url"], where+"/author/url", "http", "https")
	c.checkURL(author["icon_url"], where+"/author/icon_url", "http", "https", "attachment")
	c.checkURL(footer["icon_url"], where+"/footer/icon_url", "http", "https", "attachment")
	c.checkURL(image["url"], where+"/image/url", "http", "https", "attachment")
	c.checkURL(thumbnail["url"], where+"/thumbnail/url", "http", "https", "attachment")
}

func (c *checker) checkURL(value any, where string, schemes ...string) {
	address, ok := value.(string)
	if !ok {
		return
	}
	u, err := url.Parse(address)
	known := false
	for _, scheme := range schemes {
		known = known || err == nil && u.Scheme == scheme
	}
	switch {
	case err != nil || !known || u.Host == "":
		c.add(where, "url", "is no address of a kind that is allowed here (%s)", strings.Join(schemes, ", "))
	case strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		c.add(where, "url", "has white space or control characters in it")
	case utf8.RuneCountInString(address) > 2_048:
		c.add(where, "url", "is longer than 2048 characters")
	}
}

// blank tells whether Discord finds nothing left of a text when it has trimmed
// it. A zero-width space stays.
func blank(s string) bool { return strings.TrimSpace(s) == "" }
