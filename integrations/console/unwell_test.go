package console_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/console"
)

// sick is what is wrong with Salve.
type sick []bot.Condition

func (s sick) Conditions() []bot.Condition { return s }

func TestWhoMayReadSeesThatSalveIsUnwell(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ports := w.ports()
	ports.Health = sick{
		{Name: "database-write", Unready: true, Says: "the database cannot be written", Do: "Look at the disk.", Detail: "/var/lib/salve", Since: time.Now()},
		{Name: "source-silent", Says: "the source <b>prod</b> is silent", Do: "Look at it.", Since: time.Now()},
	}
	c, err := console.New(ports, console.Options{})
	require.NoError(t, err)
	page := ask(c, http.MethodGet, "/", "s-vera", nil).Body.String()
	require.Contains(t, page, "Salve is not ready:</strong> the database cannot be written")
	require.Contains(t, page, "Salve is unwell:</strong> the source &lt;b&gt;prod&lt;/b&gt; is silent")
	require.Contains(t, page, "Look at the disk.")
	require.NotContains(t, page, "/var/lib/salve", "the cause is in the status and the log")
	require.NotContains(t, ask(c, http.MethodGet, "/login", "", nil).Body.String(), "database", "nobody is told at the door")
}
