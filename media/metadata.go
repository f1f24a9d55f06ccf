package media

// Metadata are what a publisher says of its stream (onMetaData), as float64,
// bool or string by name. They are its own words: nothing may depend on them.
type Metadata map[string]any

// Describer is a Writer that takes metadata. They may come at any time, from
// the goroutine that writes, and again and again.
type Describer interface {
	Describe(m Metadata)
}
