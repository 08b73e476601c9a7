package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the same driver as Salve's store
)

// floorAlert is the least that has to be decoded.
type floorAlert struct {
	Fingerprint string            `json:"fingerprint"`
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
}

// wanting is one post that waits for its commit.
type wanting struct {
	alerts []floorAlert
	docs   [][]byte
	done   chan error
}

// serveFloor is the bare handler that Salve is measured against: decode, commit
// one row an alert together with whatever else has queued up, answer. It prints
// its address and serves until it is killed.
func serveFloor(dir string) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "floor.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(context.Background(), `CREATE TABLE incident (fingerprint TEXT PRIMARY KEY, at BIGINT, seen BIGINT, doc TEXT)`); err != nil {
		return err
	}
	queue := make(chan *wanting, 1024)
	go commitFloor(conn, queue)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /hook", func(w http.ResponseWriter, r *http.Request) { takeFloor(w, r, queue) })
	fmt.Println("http://" + ln.Addr().String())
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return srv.Serve(ln)
}

func takeFloor(w http.ResponseWriter, r *http.Request, queue chan<- *wanting) {
	b, err := io.ReadAll(r.Body)
	var v struct {
		Alerts []floorAlert `json:"alerts"`
	}
	if err != nil || json.Unmarshal(b, &v) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	it := &wanting{alerts: v.Alerts, done: make(chan error, 1)}
	for _, a := range v.Alerts {
		doc, err := json.Marshal(a)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		it.docs = append(it.docs, doc)
	}
	queue <- it
	if err := <-it.done; err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func commitFloor(conn *sql.Conn, queue <-chan *wanting) {
	ctx := context.Background()
	insert, err := conn.PrepareContext(ctx, `INSERT INTO incident (fingerprint, at, seen, doc) VALUES ($1, $2, $3, $4)
		ON CONFLICT (fingerprint) DO UPDATE SET seen = excluded.seen`)
	if err != nil {
		panic(err) // the floor cannot stand
	}
	for first := range queue {
		batch := []*wanting{first}
		for len(batch) < 256 && len(queue) > 0 {
			batch = append(batch, <-queue)
		}
		err := writeFloor(ctx, conn, insert, batch)
		for _, it := range batch {
			it.done <- err
		}
	}
}

func writeFloor(ctx context.Context, conn *sql.Conn, insert *sql.Stmt, batch []*wanting) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	for _, it := range batch {
		for i, a := range it.alerts {
			if _, err := insert.ExecContext(ctx, a.Fingerprint, now, now, string(it.docs[i])); err != nil {
				return err
			}
		}
	}
	_, err := conn.ExecContext(ctx, "COMMIT")
	return err
}
