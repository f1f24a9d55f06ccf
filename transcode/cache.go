package transcode

import "github.com/sluice-media/sluice/media"

// cache remembers the access units since the last IDR, so that a process can
// be started at any time.
type cache struct {
	frames []*media.AccessUnit // none if there are more than it may hold
	last   *media.AccessUnit
	bytes  int
	full   bool // until the next IDR
}

func (c *cache) add(au *media.AccessUnit) {
	c.last = au
	if au.IDR {
		*c = cache{last: au, frames: make([]*media.AccessUnit, 0, max(16, len(c.frames)))}
	}
	for _, n := range au.NALUs {
		c.bytes += len(n)
	}
	if c.full || len(c.frames) == cachePictures || c.bytes > cacheBytes || len(c.frames) == 0 && !au.IDR {
		c.full, c.frames = true, nil
		return
	}
	c.frames = append(c.frames, au)
}

// crowded says that the cache will soon be full.
func (c *cache) crowded() bool {
	return c.full || len(c.frames) > cachePictures*3/4 || c.bytes > cacheBytes*3/4
}
