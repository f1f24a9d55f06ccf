package rtc

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// Log returns how pion writes to a log: at debug level, because what a peer's
// network does to it is not an operator's concern.
func Log(to *slog.Logger) logging.LoggerFactory { return pionLog{to} }

type pionLog struct{ log *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (p pionLog) NewLogger(scope string) logging.LeveledLogger {
	return scopeLog{p.log.With("pion", scope)}
}

type scopeLog struct{ log *slog.Logger }

func (s scopeLog) write(level, format string, args ...any) {
	if s.log.Enabled(context.Background(), slog.LevelDebug) {
		s.log.Debug(fmt.Sprintf(format, args...), "severity", level)
	}
}

func (s scopeLog) Trace(string)                 {}
func (s scopeLog) Tracef(string, ...any)        {}
func (s scopeLog) Debug(string)                 {}
func (s scopeLog) Debugf(string, ...any)        {}
func (s scopeLog) Info(m string)                { s.write("info", "%s", m) }
func (s scopeLog) Infof(f string, args ...any)  { s.write("info", f, args...) }
func (s scopeLog) Warn(m string)                { s.write("warn", "%s", m) }
func (s scopeLog) Warnf(f string, args ...any)  { s.write("warn", f, args...) }
func (s scopeLog) Error(m string)               { s.write("error", "%s", m) }
func (s scopeLog) Errorf(f string, args ...any) { s.write("error", f, args...) }
