package sqlite

import (
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

// packing compresses payloads. Both halves may be used by everybody at the same
// time and keep their buffers.
type packing struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	seed    maphash.Seed
	recent  [4096]atomic.Uint64 // hashes of bodies, each in the place that it gives
}

func newPacking() (*packing, error) {
	encoder, errE := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true))
	decoder, errD := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
	return &packing{encoder: encoder, decoder: decoder, seed: maphash.MakeSeed()}, errors.Join(errE, errD)
}

func (p *packing) pack(body []byte) []byte {
	return p.encoder.EncodeAll(body, make([]byte, 0, len(body)/2+64))
}

// ahead packs a body before the writer is asked to keep it, unless the same was
// here a moment ago: a repeat changes nothing, and nothing of it is kept.
func (p *packing) ahead(body []byte) []byte {
	h := maphash.Bytes(p.seed, body)
	if p.recent[h%uint64(len(p.recent))].Swap(h) == h {
		return nil
	}
	return p.pack(body)
}

func (p *packing) unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	body, err := p.decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: unpack payload: %w", errDamaged, err)
	}
	return body, nil
}
