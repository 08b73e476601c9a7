package query

// Posts. The terms on state, parent and mark_ref beside those that select are
// for the indexes that leave the other rows out.
const (
	InsertPost = `INSERT INTO posts (version, surface, place, kind, incident, run, parent, state, rank, due_at, last_at, mark_place, mark_ref, body, key) VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (key) DO NOTHING`
	UpdatePost = `UPDATE posts SET version = version + 1, surface = $1, place = $2, kind = $3, incident = $4, run = $5, parent = $6, state = $7, rank = $8, due_at = $9, last_at = $10, mark_place = $11, mark_ref = $12, body = $13 WHERE key = $14 AND version = $15`
	Posts      = `SELECT version, body FROM posts`
	Post       = Posts + ` WHERE key = $1`
	PostAt     = Posts + ` WHERE surface = $1 AND mark_place = $2 AND mark_ref = $3 AND mark_ref <> '' ORDER BY key LIMIT 1`
	// DropPosts leaves those alone whose Incident goes on, and those in whose
	// thread something is yet to be sent.
	DropPosts = `DELETE FROM posts WHERE key IN (SELECT p.key FROM posts p WHERE p.state <> 'due' AND p.last_at < $1
AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.id = p.incident AND i.state IN ('open', 'resolved'))
AND NOT EXISTS (SELECT 1 FROM posts c WHERE c.parent = p.key AND c.parent <> '' AND c.state = 'due')
ORDER BY p.last_at LIMIT $2)`
)

// Offers, Gestures and Cursors.
const (
	PutOffer   = `INSERT INTO offers (token, surface, expires_at, body) VALUES ($1, $2, $3, $4) ON CONFLICT (token) DO UPDATE SET surface = excluded.surface, expires_at = excluded.expires_at, body = excluded.body`
	Offer      = `SELECT body FROM offers WHERE token = $1`
	DropOffers = `DELETE FROM offers WHERE token IN (SELECT token FROM offers WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`

	InsertGesture = `INSERT INTO gestures (version, done, due_at, received_at, body, key) VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT (key) DO NOTHING`
	UpdateGesture = `UPDATE gestures SET version = version + 1, done = $1, due_at = $2, received_at = $3, body = $4 WHERE key = $5 AND version = $6`
	Gestures      = `SELECT version, body FROM gestures`
	Gesture       = Gestures + ` WHERE key = $1`
	DueGestures   = Gestures + ` WHERE done = 0 AND due_at <= $1 ORDER BY due_at, received_at, key LIMIT $2`
	DropGestures  = `DELETE FROM gestures WHERE key IN (SELECT key FROM gestures WHERE done = 1 AND received_at < $1 ORDER BY received_at LIMIT $2)`

	InsertCursor = `INSERT INTO cursors (version, seq, name) VALUES (1, $1, $2) ON CONFLICT (name) DO NOTHING`
	UpdateCursor = `UPDATE cursors SET version = version + 1, seq = $1 WHERE name = $2 AND version = $3`
	Cursor       = `SELECT version, seq FROM cursors WHERE name = $1`
)
