package media

// Metadata are what a publisher says of its stream, as float64, bool or string
// by name. They are its own words: nothing may depend on them.
type Metadata map[string]any

// Description is what is known of a publication beside its frames.
type Description struct {
	Metadata Metadata // onMetaData
	Color    Metadata // colorInfo of Enhanced RTMP
	Tracks   []Track  // where there are others than one for each kind
}

// Track is one of several that a publisher sends.
type Track struct {
	Kind   string `json:"kind"`   // "video", "audio"
	ID     int    `json:"id"`     // as the publisher numbers it
	Codec  string `json:"codec"`  // its usual name
	Served bool   `json:"served"` // viewers get this one
}

// Describer is a Writer that takes a description. It may come at any time, from
// the goroutine that writes, and again and again; it is never changed after.
type Describer interface {
	Describe(d Description)
}
