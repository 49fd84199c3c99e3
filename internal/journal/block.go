package journal

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/klauspost/compress/s2"

	"parley/internal/fault"
)

// The stored form of a block, version 1:
//
//	version 1 byte | codec 1 byte | length of the body uvarint | body, as coded | CRC-32C 4 bytes, little endian
//
// The checksum covers everything before it. The body is the number of entries
// as uvarint and then the entries:
//
//	kind 1 byte, top bit set if SentAt follows | ReceivedAt varint | [SentAt varint] | source | ID | payload
//
// Times are microseconds since 1970 in UTC; the last three are uvarint length
// and bytes. Equal entries give equal bytes from the same build; the choices of
// the compressor may differ between processor architectures, what a block
// decodes to never does.
const (
	blockVersion = 1

	codecPlain = 0
	codecS2    = 1

	// compressFrom is the body size below which compressing is not worth its time.
	compressFrom = 256
	// maxBody bounds the memory that decoding a block can take.
	maxBody = 64 << 20
	// MaxEntries is the most entries one block, and so one Append, can carry.
	MaxEntries = 1 << 18

	sentFlag     = 0x80
	minEntrySize = 5 // kind, time and three empty fields
	checksumSize = 4
	headerSize   = 2 + binary.MaxVarintLen64
	// blockOverhead is what a block can add to the bytes of its entries.
	blockOverhead = headerSize + binary.MaxVarintLen64 + checksumSize
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// EncodeBlock returns the stored form of entries. Times are cut to
// microseconds. It fails with fault.Invalid for no entries or an unknown kind and
// with fault.TooLarge above MaxEntries or 64 MiB.
func EncodeBlock(entries []Entry) ([]byte, error) {
	if err := checkEntries(entries); err != nil {
		return nil, err
	}
	var records []byte
	for i := range entries {
		records = appendEntry(records, &entries[i])
	}
	return sealBlock(len(entries), [][]byte{records})
}

// checkEntries refuses what could be written but not be read again.
func checkEntries(entries []Entry) error {
	const op = "journal.encode"
	if len(entries) == 0 {
		return fault.New(fault.Invalid, op, "There is nothing to append; pass at least one entry.")
	}
	if len(entries) > MaxEntries {
		return fault.New(fault.TooLarge, op, "%d entries are more than the %d one append can carry; send fewer at a time.", len(entries), MaxEntries)
	}
	for i := range entries {
		if k := entries[i].Kind; k < Event || k > Replay {
			return fault.New(fault.Invalid, op, "Entry %d has the unknown kind %d.", i, k)
		}
	}
	return nil
}

// appendEntry appends the record of one entry.
func appendEntry(b []byte, e *Entry) []byte {
	kind := byte(e.Kind)
	if !e.SentAt.IsZero() {
		kind |= sentFlag
	}
	b = append(b, kind)
	b = binary.AppendVarint(b, e.ReceivedAt.UnixMicro())
	if kind&sentFlag != 0 {
		b = binary.AppendVarint(b, e.SentAt.UnixMicro())
	}
	b = binary.AppendUvarint(b, uint64(len(e.Source)))
	b = append(b, e.Source...)
	b = binary.AppendUvarint(b, uint64(len(e.ID)))
	b = append(b, e.ID...)
	b = binary.AppendUvarint(b, uint64(len(e.Payload)))
	return append(b, e.Payload...)
}

// entryBound is at least the size of an entry's record.
func entryBound(e *Entry) int {
	const lengthsAndTimes = 1 + 5*binary.MaxVarintLen64
	return lengthsAndTimes + len(e.Source) + len(e.ID) + len(e.Payload)
}

// sealBlock makes a block of count entries whose records were already encoded.
func sealBlock(count int, records [][]byte) ([]byte, error) {
	size := binary.MaxVarintLen64
	for _, r := range records {
		size += len(r)
	}
	body := make([]byte, 0, size)
	body = binary.AppendUvarint(body, uint64(count))
	for _, r := range records {
		body = append(body, r...)
	}
	if len(body) > maxBody {
		return nil, fault.New(fault.TooLarge, "journal.encode", "%d bytes are more than a block can hold (%d); send fewer entries at a time.", len(body), maxBody)
	}
	header := make([]byte, 0, headerSize)
	header = append(header, blockVersion, codecPlain)
	header = binary.AppendUvarint(header, uint64(len(body)))

	var block []byte
	if len(body) >= compressFrom {
		block = make([]byte, len(header)+s2.MaxEncodedLen(len(body))+checksumSize)
		packed := s2.Encode(block[len(header):], body)
		// An eighth saved is where writing less starts to outweigh unpacking.
		if len(packed) <= len(body)-len(body)/8 {
			header[1] = codecS2
			copy(block, header)
			block = block[:len(header)+len(packed)]
		}
	}
	if header[1] == codecPlain {
		block = append(append(block[:0], header...), body...)
	}
	return binary.LittleEndian.AppendUint32(block, crc32.Checksum(block, castagnoli)), nil
}

// DecodeBlock reads a stored block. The payloads share one buffer, which may
// be data itself: neither may be changed. Whatever data holds, it never panics and takes
// at most about 64 MiB and 128 bytes for each of at most MaxEntries entries.
// A block that is damaged or from a newer version is fault.Internal.
func DecodeBlock(data []byte) ([]Entry, error) {
	if len(data) < 2+1+checksumSize {
		return nil, damaged("it is cut short")
	}
	content, sum := data[:len(data)-checksumSize], data[len(data)-checksumSize:]
	if crc32.Checksum(content, castagnoli) != binary.LittleEndian.Uint32(sum) {
		return nil, damaged("its checksum does not match")
	}
	if content[0] != blockVersion {
		return nil, fault.New(fault.Internal, "journal.decode", "A block has version %d, which this release of Parley cannot read; start the release that wrote it or a newer one.", content[0])
	}
	body, err := unpackBody(content[1], content[2:])
	if err != nil {
		return nil, err
	}
	return decodeBody(body)
}

func unpackBody(codec byte, rest []byte) ([]byte, error) {
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > maxBody {
		return nil, damaged("its length is out of range")
	}
	rest = rest[n:]
	switch codec {
	case codecPlain:
		if uint64(len(rest)) != size {
			return nil, damaged("its length is wrong")
		}
		return rest, nil
	case codecS2:
		if got, err := s2.DecodedLen(rest); err != nil || uint64(got) != size {
			return nil, damaged("its packed length is wrong")
		}
		body, err := s2.Decode(nil, rest)
		if err != nil {
			return nil, damaged("it cannot be unpacked")
		}
		return body, nil
	}
	return nil, damaged("its packing is unknown")
}

func decodeBody(body []byte) ([]Entry, error) {
	d := decoder{rest: body}
	count := d.uvarint()
	if d.failed || count == 0 || count > MaxEntries || count > uint64(len(d.rest)/minEntrySize) {
		return nil, damaged("its number of entries is wrong")
	}
	entries := make([]Entry, count)
	for i := range entries {
		d.entry(&entries[i])
		if d.failed {
			return nil, damaged("an entry in it is malformed")
		}
	}
	if len(d.rest) != 0 {
		return nil, damaged("something follows its last entry")
	}
	return entries, nil
}

func damaged(why string) error {
	return fault.New(fault.Internal, "journal.decode", "A block of the journal is damaged: %s. Restore the journal from a copy.", why)
}

// decoder consumes a body; after the first failure it yields only zeros.
type decoder struct {
	rest   []byte
	source string // of the entry before: most entries of a block share it
	failed bool
}

func (d *decoder) entry(e *Entry) {
	if len(d.rest) == 0 {
		d.failed = true
		return
	}
	kind := d.rest[0]
	d.rest = d.rest[1:]
	e.Kind = Kind(kind &^ sentFlag)
	if e.Kind < Event || e.Kind > Replay {
		d.failed = true
		return
	}
	e.ReceivedAt = time.UnixMicro(d.varint()).UTC()
	if kind&sentFlag != 0 {
		e.SentAt = time.UnixMicro(d.varint()).UTC()
	}
	if source := d.bytes(); string(source) != d.source {
		d.source = string(source)
	}
	e.Source = d.source
	e.ID = string(d.bytes())
	if payload := d.bytes(); len(payload) > 0 {
		e.Payload = payload[:len(payload):len(payload)]
	}
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.failed, d.rest = true, nil
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}
