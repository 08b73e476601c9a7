package slacktest

import (
	"fmt"
	"net/http"
	"time"
)

func formatTrigger(serial int) string {
	return fmt.Sprintf("%d.%d.%s", 100000+serial, 7000000, secret()[:12])
}

type response struct {
	id, user, channel, message string
	at                         time.Time
	uses                       int
}
type socket struct{}

func (k *socket) drop() {}

type envelope struct{}
type Endpoints struct{}
type Forgery struct{}

func (s *Slack) serveUpload(w http.ResponseWriter, r *http.Request)   { http.NotFound(w, r) }
func (s *Slack) serveResponse(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }
func (s *Slack) serveSocket(w http.ResponseWriter, r *http.Request)   { http.NotFound(w, r) }
