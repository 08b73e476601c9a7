package bot

// Boundary is where the audit log was pruned: the Events up to Size were dropped.
// It is written once, before they are.
type Boundary struct {
	Size    int64   // number of Events dropped since the log began
	Note    []byte  // the signed head of that size
	Edge    []byte  // the right edge of the Merkle tree at that size; its root stands in Note
	Carried []Event // of those dropped, the last about each person and about the playbooks: what was so when the rest begins
}
