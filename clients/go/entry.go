package millpond

import (
	"encoding/json"
	"time"

	pb "millpond.dev/client/millpondv1"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// Result is the outcome of the lookup of one key: either an entry or a miss.
type Result struct {
	// Entry is nil if there is none.
	Entry *Entry
	// Miss says why there is no entry. It is nil if there is one.
	Miss *Miss
	// AsOf is how complete the table was known to be just before the lookup.
	AsOf AsOf
}

// Entry is what a table has under a key.
type Entry struct {
	Key string
	// Fields has the fields that the record had, by name. Each value has one of the types
	//
	//	nil              null
	//	bool
	//	int64            an integer
	//	uint64           an integer above those of int64
	//	float64          a number with a fraction or an exponent
	//	string
	//	json.RawMessage  an object or an array
	//	json.Number      any other number, as it is spelt in the record
	Fields map[string]any
	Origin Origin
	// ExpireTime is when lookups begin to miss the entry.
	ExpireTime time.Time
}

// Origin is the record that an entry came from.
type Origin struct {
	Position
	// Time is the record's timestamp.
	Time time.Time
}

// Position is a record in the topic of a table.
type Position struct {
	Partition int32
	Offset    int64
}

// Miss says why there is no entry under a key.
type Miss struct {
	Reason MissReason
	// Time is when the entry expired or was evicted. It is zero for other reasons.
	Time time.Time
	// DeletedBy is the record that deleted the entry. It is nil for other reasons.
	DeletedBy *Position
}

// MissReason is why there is no entry under a key.
type MissReason = pb.MissReason

// The reasons of misses.
const (
	MissLoading            = pb.MissReason_MISS_REASON_LOADING
	MissUnknown            = pb.MissReason_MISS_REASON_UNKNOWN
	MissNeverSeen          = pb.MissReason_MISS_REASON_NEVER_SEEN
	MissExpired            = pb.MissReason_MISS_REASON_EXPIRED
	MissEvicted            = pb.MissReason_MISS_REASON_EVICTED
	MissDeleted            = pb.MissReason_MISS_REASON_DELETED
	MissEvictedForPressure = pb.MissReason_MISS_REASON_EVICTED_FOR_PRESSURE
)

// AsOf is how complete a table was known to be.
type AsOf struct {
	// Ready is whether the table has caught up with its stream once.
	Ready bool
	// NewestRecordTime is the newest timestamp among the stored records. It is zero before the first one.
	NewestRecordTime time.Time
	// Staleness is how long ago the table was last known to be complete. It is nil if it never was.
	Staleness *time.Duration
}

// Table is a table as it is configured.
type Table struct {
	Name, Topic string
	KeySources  []string
	Fields      []Field
	TTL         time.Duration
	TTLFrom     string
}

// Field is a field of a table, and where its value comes from.
type Field struct{ Name, Source string }

func resultOf(result *pb.LookupResult, asOf AsOf) Result {
	if entry := result.GetEntry(); entry != nil {
		entry := entryOf(entry)
		return Result{Entry: &entry, AsOf: asOf}
	}
	miss := result.GetMiss()
	return Result{AsOf: asOf, Miss: &Miss{
		Reason:    miss.GetReason(),
		Time:      timeOf(miss.GetTime()),
		DeletedBy: positionOf(miss.GetDeletedBy()),
	}}
}

func entryOf(entry *pb.Entry) Entry {
	fields := make(map[string]any, len(entry.GetFields()))
	for name, value := range entry.GetFields() {
		fields[name] = valueOf(value)
	}
	return Entry{entry.GetKey(), fields, originOf(entry.GetOrigin()), timeOf(entry.GetExpireTime())}
}

func valueOf(value *pb.Value) any {
	switch kind := value.GetKind().(type) {
	case *pb.Value_BoolValue:
		return kind.BoolValue
	case *pb.Value_IntValue:
		return kind.IntValue
	case *pb.Value_UintValue:
		return kind.UintValue
	case *pb.Value_DoubleValue:
		return kind.DoubleValue
	case *pb.Value_StringValue:
		return kind.StringValue
	case *pb.Value_JsonValue:
		return json.RawMessage(kind.JsonValue)
	case *pb.Value_NumberText:
		return json.Number(kind.NumberText)
	default:
		return nil
	}
}

func originOf(origin *pb.Origin) Origin {
	return Origin{Position{origin.GetPartition(), origin.GetOffset()}, timeOf(origin.GetRecordTime())}
}

func positionOf(position *pb.PartitionOffset) *Position {
	if position == nil {
		return nil
	}
	return &Position{position.GetPartition(), position.GetOffset()}
}

func asOf(asOf *pb.AsOf) AsOf {
	known := AsOf{Ready: asOf.GetReady(), NewestRecordTime: timeOf(asOf.GetNewestRecordTime())}
	if staleness := asOf.GetStaleness(); staleness != nil {
		staleness := staleness.AsDuration()
		known.Staleness = &staleness
	}
	return known
}

func tableOf(table *pb.TableDescription) Table {
	fields := make([]Field, 0, len(table.GetFields()))
	for _, field := range table.GetFields() {
		fields = append(fields, Field{field.GetName(), field.GetSource()})
	}
	return Table{
		Name: table.GetName(), Topic: table.GetTopic(), KeySources: table.GetKeySources(), Fields: fields,
		TTL: table.GetTtl().AsDuration(), TTLFrom: table.GetTtlFrom(),
	}
}

// The zero time if there is none.
func timeOf(time_ *timestamppb.Timestamp) time.Time {
	if time_ == nil {
		return time.Time{}
	}
	return time_.AsTime()
}
