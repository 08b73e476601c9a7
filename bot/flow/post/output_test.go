package post_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func TestTheWholeOutputIsSharedOnceWhereThePlaybookSaysSo(t *testing.T) {
	t.Parallel()
	for _, shares := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t, "C1")
			h.start()
			h.w.open(1, bot.SeverityHigh)
			h.w.mu.Lock()
			h.w.plans[0] = bot.Plan{Incident: 1, Steps: []bot.PlanStep{{ID: "grow", ShareOutput: shares}, {ID: "look"}}}
			h.w.mu.Unlock()
			says := func(state bot.RunState) {
				h.w.move(1, 1, state, bot.StepSucceeded)
				h.w.mu.Lock()
				r := h.w.runs[1]
				r.Steps[0].Output = "\x1b[31mgrown by 40 GB\x1b[0m\n"
				r.Steps = append(r.Steps, bot.Step{ID: "look", State: bot.StepSucceeded, Output: "not to be shared"})
				h.w.runs[1] = r
				h.w.mu.Unlock()
			}
			says(bot.RunRunning)
			time.Sleep(10 * time.Second)
			require.Empty(t, h.s.of("C1", bot.MessageOutput), "not while it runs")
			says(bot.RunFixed)
			time.Sleep(20 * time.Second)
			h.stop()
			h.start() // another process
			defer h.stop()
			h.w.move(1, 1, bot.RunFixed, bot.StepSucceeded)
			says(bot.RunFixed)
			time.Sleep(20 * time.Second)
			files := h.s.of("C1", bot.MessageOutput)
			if !shares {
				require.Empty(t, files)
				return
			}
			require.Len(t, files, 1)
			require.Len(t, files[0].message.Files, 1)
			require.Equal(t, "== grow ==\ngrown by 40 GB\n\n", string(files[0].message.Files[0].Body))
			require.Equal(t, h.w.post("slack/C1/card/I-1").Mark, files[0].thread)
		})
	}
}
