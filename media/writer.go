package media

// Writer takes the frames of one publication, in decoding order.
//
// WriteVideo and WriteAudio may run at the same time, each from one goroutine.
// A frame and its bytes are never changed after they were written, neither by
// the caller nor by the Writer, so both may keep them. A Write never waits for
// a viewer. An error ends the publication: the caller stops writing and
// closes. Close is called once, after the last Write has returned, and passes
// down the chain.
type Writer interface {
	WriteVideo(*AccessUnit) error
	WriteAudio(*AudioFrame) error
	Close() error
}
