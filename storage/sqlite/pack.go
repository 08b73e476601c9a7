package sqlite

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// packing compresses payloads. Both halves may be used by everybody at the same
// time and keep their buffers.
type packing struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

func newPacking() (*packing, error) {
	encoder, errE := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true))
	decoder, errD := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
	return &packing{encoder: encoder, decoder: decoder}, errors.Join(errE, errD)
}

func (p *packing) pack(body []byte) []byte {
	return p.encoder.EncodeAll(body, make([]byte, 0, len(body)/2+64))
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
