package icalendar_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/icalendar"
)

func rota(t testing.TB) []byte {
	t.Helper()
	src, err := os.ReadFile("testdata/rota.ics")
	require.NoError(t, err)
	return src
}

func TestWhoIsOnCallInARota(t *testing.T) {
	t.Parallel()
	c, err := icalendar.Parse(rota(t))
	require.NoError(t, err)
	tests := []struct{ name, at, who, until string }{
		{"before everything", "2026-03-01T00:00:00Z", "", ""},
		{"the first night", "2026-03-02T19:00:00Z", "Ann Lee ann@example.com", "2026-03-03T07:00:00Z"},
		{"a second before it begins", "2026-03-02T18:59:59Z", "", ""},
		{"the end is not in it", "2026-03-03T07:00:00Z", "", ""},
		{"an exception", "2026-03-04T22:00:00Z", "", ""},
		{"another of the same line", "2026-03-05T22:00:00Z", "", ""},
		{"an override begins later", "2026-03-06T19:30:00Z", "", ""},
		{"and names another", "2026-03-06T21:00:00Z", "On call: Bob bob@example.com", "2026-03-07T07:00:00Z"},
		{"a cancelled occurrence", "2026-03-07T22:00:00Z", "", ""},
		{"the night when clocks change ends by the clock", "2026-03-29T05:30:00Z", "Ann Lee ann@example.com", "2026-03-29T06:00:00Z"},
		{"and the next begins by it", "2026-03-29T18:00:00Z", "Ann Lee ann@example.com", "2026-03-30T06:00:00Z"},
		{"a whole day, in the calendar's own zone", "2026-05-01T10:00:00Z", "Carla, the duty manager", "2026-05-01T22:00:00Z"},
		{"which is over at midnight there", "2026-05-01T22:00:01Z", "Ann Lee ann@example.com", "2026-05-02T06:00:00Z"},
		{"a week in a zone of its own name", "2026-06-03T12:00:00Z", "Dora dora@example.com", "2026-06-08T13:00:00Z"},
		{"not every week", "2026-06-10T12:00:00Z", "", ""},
		{"the second and last", "2026-06-16T12:00:00Z", "Dora dora@example.com", "2026-06-22T13:00:00Z"},
		{"no third", "2026-06-30T12:00:00Z", "", ""},
		{"an extra date", "2026-08-02T12:00:00Z", "Dora dora@example.com", "2026-08-08T13:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339, tt.at)
			require.NoError(t, err)
			got, err := c.At(at)
			require.NoError(t, err)
			if tt.who == "" {
				require.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			require.Equal(t, tt.who, strings.TrimSpace(got[0].Name+" "+got[0].Email))
			require.Equal(t, tt.until, got[0].Until.Format(time.RFC3339))
		})
	}
	require.Equal(t, []string{`event "Eve" is left out: DTSTART: the time zone "Mars/Olympus" is not known`}, c.Notes())
}

func event(lines ...string) string {
	return "BEGIN:VEVENT\r\nUID:x\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\n"
}

func calendar(events ...string) []byte {
	return []byte("BEGIN:VCALENDAR\r\n" + strings.Join(events, "") + "END:VCALENDAR\r\n")
}

func TestWhatCannotBeUnderstoodIsLeftOutAndNoted(t *testing.T) {
	t.Parallel()
	day := "DTSTART:20260301T000000Z"
	tests := []struct{ name, event, note string }{
		{"no start", event("SUMMARY:a"), "it has no DTSTART"},
		{"no end", event(day, "SUMMARY:a"), "it has no end"},
		{"ends before it begins", event(day, "DTEND:20260201T000000Z", "SUMMARY:a"), "it ends before it begins"},
		{"nobody", event(day, "DURATION:P1D"), "it names nobody"},
		{"a time that is none", event("DTSTART:soon", "SUMMARY:a"), "this is not a time"},
		{"every second", event(day, "DURATION:PT1S", "RRULE:FREQ=SECONDLY", "SUMMARY:a"), "more often than daily"},
		{"every hour, never", event(day, "DURATION:PT1S", "RRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=5", "SUMMARY:a"), "more often than daily"},
		{"a rule that is none", event(day, "DURATION:P1D", "RRULE:FREQ=NEVER", "SUMMARY:a"), "RRULE: it cannot be understood"},
		{"a huge interval", event(day, "DURATION:P1D", "RRULE:FREQ=DAILY;INTERVAL=2000000000", "SUMMARY:a"), "in a way that no rota does"},
		{"an eighth Saturday", event(day, "DURATION:P1D", "RRULE:FREQ=MONTHLY;BYDAY=8SA", "SUMMARY:a"), "in a way that no rota does"},
		{"a negative duration", event(day, "DURATION:-P1D", "SUMMARY:a"), "DURATION cannot be understood"},
		{"another age", event("DTSTART:00010101T000000Z", "DURATION:P1D", "RRULE:FREQ=DAILY", "SUMMARY:a"), "another age"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := icalendar.Parse(calendar(tt.event, event(day, "DURATION:P1D", "SUMMARY:good")))
			require.NoError(t, err)
			require.Len(t, c.Notes(), 1)
			require.Contains(t, c.Notes()[0], tt.note)
			got, err := c.At(time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC))
			require.NoError(t, err)
			require.Equal(t, "good", got[0].Name, "the others stand")
		})
	}
}

func TestHostileCalendarsAreBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		src  []byte
		want string
	}{
		{"too large", make([]byte, icalendar.MaxBytes+1), "larger than 4 MiB"},
		{"too many events", calendar(strings.Repeat("BEGIN:VEVENT\nEND:VEVENT\n", 5001)), "more than 5000 events"},
		{"too deep", []byte(strings.Repeat("BEGIN:VCALENDAR\n", 100000)), "events in events"},
		{"a long line", calendar("SUMMARY:" + strings.Repeat("x", 70<<10) + "\n"), "longer than 8 KiB"},
		{"a line folded into a long one", calendar("SUMMARY:" + strings.Repeat("x\r\n ", 70<<10) + "\n"), "longer than 8 KiB"},
		{"HTML", []byte("<html>"), "this is not an iCalendar"},
		{"nothing", nil, "this is not an iCalendar"},
		{"cut off", rota(t)[:900], "this is not an iCalendar"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := icalendar.Parse(tt.src)
			require.ErrorContains(t, err, tt.want)
		})
	}
	// Rules that never hold, or always: answered, or refused, within some seconds.
	never := event("DTSTART:19900101T000000Z", "DURATION:PT1S", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "SUMMARY:a")
	always := event("DTSTART:19900101T000000Z", "DURATION:PT1S", "RRULE:FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7;BYMINUTE=0,1,2,3,4,5,6,7;BYSECOND=0,1,2,3,4,5,6,7", "SUMMARY:a")
	for name, e := range map[string]string{"never": never, "always": always} {
		began := time.Now()
		c, err := icalendar.Parse(calendar(strings.Repeat(e, 5000)))
		require.NoError(t, err)
		_, err = c.At(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		require.Error(t, err, name)
		require.Less(t, time.Since(began), 20*time.Second, name)
	}
}

func TestSeveralPeopleAreToldOnceInTheOrderOfTheirShifts(t *testing.T) {
	t.Parallel()
	c, err := icalendar.Parse(calendar(
		event("DTSTART:20260301T080000Z", "DURATION:PT8H", "ATTENDEE;CN=B:mailto:b@example.com", "ATTENDEE;CN=A:MAILTO:A@example.com"),
		event("DTSTART:20260301T000000Z", "DURATION:P1D", "ATTENDEE;CN=Ann:mailto:a@example.com"),
	))
	require.NoError(t, err)
	got, err := c.At(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, "Ann", got[0].Name)
	require.Equal(t, "b@example.com", got[1].Email)
}

func TestTheNamesThatWindowsGivesToZones(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"W. Europe Standard Time", "/citadel.org/20210210_1/Europe/Berlin", `"Europe/Berlin"`} {
		c, err := icalendar.Parse(calendar(event("DTSTART;TZID="+id+":20260701T000000", "DURATION:PT1H", "SUMMARY:a")))
		require.NoError(t, err)
		require.Empty(t, c.Notes(), id)
		got, err := c.At(time.Date(2026, 6, 30, 22, 30, 0, 0, time.UTC))
		require.NoError(t, err)
		require.Len(t, got, 1, id)
	}
}

var night = time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC)

func TestAFileIsReadAgainAndTheLastGoodOneStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rota.ics")
	s, err := icalendar.NewFile(path, icalendar.Options{Every: time.Millisecond, MaxAge: 300 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	_, err = s.OnCall(t.Context(), night)
	require.ErrorContains(t, err, "read the calendar")

	require.NoError(t, os.WriteFile(path, rota(t), 0o600))
	time.Sleep(5 * time.Millisecond)
	got, err := s.OnCall(t.Context(), night)
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", got[0].Email)
	require.Len(t, s.Notes(), 1)

	require.NoError(t, os.WriteFile(path, []byte("broken"), 0o600))
	time.Sleep(5 * time.Millisecond)
	got, err = s.OnCall(t.Context(), night)
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", got[0].Email)
	age, err := s.Age()
	require.ErrorContains(t, err, "not an iCalendar")
	require.Positive(t, age)

	time.Sleep(300 * time.Millisecond)
	_, err = s.OnCall(t.Context(), night)
	require.ErrorContains(t, err, "the last good one is")
}

func TestAnAddressIsAskedUnderTheRulesOfEgressAndStaysSecret(t *testing.T) {
	t.Parallel()
	var status atomic.Int32
	status.Store(200)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write(rota(t))
	}))
	t.Cleanup(srv.Close)
	address := srv.URL + "/private-hunter2/basic.ics"
	strict, err := icalendar.NewURL(secret.New(address), icalendar.Options{})
	require.NoError(t, err)
	_, err = strict.OnCall(t.Context(), night)
	require.ErrorContains(t, err, "egress.allow")
	require.NotContains(t, err.Error(), "hunter2")

	s, err := icalendar.NewURL(secret.New(address), icalendar.Options{Allow: []string{srv.Listener.Addr().String()}, Every: time.Nanosecond})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	for code, want := range map[int32]string{302: "name the address that it leads to", 404: "answers 404"} {
		status.Store(code)
		_, err = s.OnCall(t.Context(), night)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter2")
	}
	status.Store(200)
	got, err := s.OnCall(t.Context(), night)
	require.NoError(t, err)
	require.Equal(t, []bot.Contact{{Name: "Ann Lee", Email: "ann@example.com", Until: time.Date(2026, 3, 3, 7, 0, 0, 0, time.UTC)}}, got)

	_, err = icalendar.NewURL(secret.New("file:///etc/passwd"), icalendar.Options{})
	require.ErrorContains(t, err, "webcal")
}

func FuzzParse(f *testing.F) {
	f.Add(string(rota(f)), int64(1772481600))
	f.Add(string(calendar(event("DTSTART;VALUE=DATE:20260301", "RRULE:FREQ=MONTHLY;BYDAY=-1SU;BYSETPOS=1", "SUMMARY:a"))), int64(1772481600))
	f.Add("BEGIN:VCALENDAR\nEND:VCALENDAR\n", int64(0))
	f.Fuzz(func(t *testing.T, src string, at int64) {
		c, err := icalendar.Parse([]byte(src))
		if err != nil {
			return
		}
		began := time.Now()
		got, err := c.At(time.Unix(at%(1<<33), 0))
		require.Less(t, time.Since(began), 5*time.Second)
		if err == nil && len(got) > 0 {
			require.NotEmpty(t, got[0].Name, fmt.Sprint(got))
		}
	})
}

func TestTheLogSaysOnceWhatOfACalendarIsNotUsed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rota.ics")
	long := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101T000000Z\r\nDTEND:20281231T000000Z\r\nSUMMARY:Olga\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	require.NoError(t, os.WriteFile(path, []byte(long), 0o600))
	var log bytes.Buffer
	s, err := icalendar.NewFile(path, icalendar.Options{Every: time.Nanosecond, Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	for range 3 {
		contacts, err := s.OnCall(t.Context(), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
		require.NoError(t, err)
		require.Empty(t, contacts)
		time.Sleep(time.Millisecond)
	}
	require.Equal(t, 1, strings.Count(log.String(), "is left out"))
	require.Contains(t, log.String(), "Olga")
}
