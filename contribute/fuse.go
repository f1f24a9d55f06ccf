package contribute

import (
	"sync"

	"github.com/sluice-media/sluice/media"
)

// fuse is a Writer for two goroutines that lets nothing through after an error,
// as the contract of media.Writer wants it.
type fuse struct {
	media.Writer

	mu  sync.Mutex
	err error // of a Write
}

// WriteVideo implements media.Writer.
func (f *fuse) WriteVideo(au *media.AccessUnit) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = f.Writer.WriteVideo(au)
	}
	return f.err
}

// WriteAudio implements media.Writer.
func (f *fuse) WriteAudio(a *media.AudioFrame) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = f.Writer.WriteAudio(a)
	}
	return f.err
}
