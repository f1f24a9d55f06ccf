package main

import "github.com/sluice-media/sluice/media"

// telling is the stage before the hub: it tells the publisher what is done
// about his pictures, once for each cause.
type telling struct {
	media.Writer
	tell func(string)
	told media.Cause // the last
}

// WriteVideo implements media.Writer.
func (t *telling) WriteVideo(au *media.AccessUnit) error {
	if au.Treatment != nil && au.Treatment.Cause != t.told {
		t.told = au.Treatment.Cause
		t.tell(au.Treatment.Hint())
	}
	return t.Writer.WriteVideo(au)
}
