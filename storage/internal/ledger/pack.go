package ledger

import (
	"fmt"
	"hash/maphash"
	"sync/atomic"

	"github.com/klauspost/compress/s2"
)

// packing compresses payloads, with S2: a payload is kept for a while and hardly
// ever read, so that the time of each delivery counts more than the last byte.
type packing struct {
	seed   maphash.Seed
	recent [4096]atomic.Uint64 // hashes of bodies, each in the place that it gives
}

func newPacking() *packing { return &packing{seed: maphash.MakeSeed()} }

func (*packing) pack(body []byte) []byte { return s2.Encode(nil, body) }

// ahead packs a body before the writer is asked to keep it, unless the same was
// here a moment ago: a repeat changes nothing, and nothing of it is kept.
func (p *packing) ahead(body []byte) []byte {
	h := maphash.Bytes(p.seed, body)
	if p.recent[h%uint64(len(p.recent))].Swap(h) == h {
		return nil
	}
	return p.pack(body)
}

// maxUnpacked bounds what a damaged row can make of itself.
const maxUnpacked = 256 << 20

func (*packing) unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	if n, err := s2.DecodedLen(packed); err != nil || n > maxUnpacked {
		return nil, fmt.Errorf("%w: unpack payload: it is not what was packed", ErrDamaged)
	}
	body, err := s2.Decode(nil, packed)
	if err != nil {
		return nil, fmt.Errorf("%w: unpack payload: %w", ErrDamaged, err)
	}
	return body, nil
}
