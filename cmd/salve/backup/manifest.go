package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"salve/bot/audit"
)

// maxManifestBytes bounds what is read of a manifest.
const maxManifestBytes = 64 << 10

// Manifest says what a backup holds. It lies beside it, and proves later that
// the backup is the one that was made and that its audit log was not cut off.
type Manifest struct {
	File      string           `json:"file"` // its name, without a directory
	SHA256    string           `json:"sha256"`
	Bytes     int64            `json:"bytes"`
	MadeAt    time.Time        `json:"made_at"`
	TookMS    int64            `json:"took_ms"`
	Salve     string           `json:"salve"` // version of the build that made it
	Schema    int64            `json:"schema"`
	Incidents int64            `json:"incidents"`
	Alerts    int64            `json:"alerts"`
	Runs      int64            `json:"runs"`
	Events    int64            `json:"events"`
	Rows      map[string]int64 `json:"rows"` // of every table
	Audit     audit.Head       `json:"audit"`
	LastEvent time.Time        `json:"last_event"` // what came after it is not in the backup
}

func manifestOf(p proof) Manifest {
	rows := p.held.Rows
	m := Manifest{
		Schema: p.held.Schema, Incidents: rows["incidents"], Alerts: rows["alerts"], Runs: rows["runs"],
		Events: rows["events"], Rows: rows, LastEvent: p.held.LastEvent,
	}
	if len(p.report.Heads) > 0 {
		m.Audit = p.report.Heads[0]
	}
	return m
}

// manifestPath is where the manifest of a backup lies.
func manifestPath(path string) string { return strings.TrimSuffix(path, ".db") + ".json" }

// write puts the manifest beside the backup by way of temp.
func (m Manifest) write(temp, path string) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	half := filepath.Join(temp, "manifest")
	f, err := os.OpenFile(half, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return place(half, manifestPath(path), true)
}

// readManifest reads the manifest beside a backup; there may be none.
func readManifest(path string) (m Manifest, found bool, err error) {
	f, err := os.Open(manifestPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return m, false, nil
	}
	if err != nil {
		return m, false, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifestBytes))
	if err != nil {
		return m, false, err
	}
	if err := json.Unmarshal(b, &m); err != nil || m.SHA256 == "" {
		return m, false, fmt.Errorf("%s is no manifest of a backup; restore without it by moving it away", f.Name())
	}
	return m, true, nil
}
