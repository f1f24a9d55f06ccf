// Package admin is the operator's API: what streams and viewers there are, the
// end of one of them, and the drain. docs/openapi.yaml describes it; a test
// holds the two together. Client is its other side, for the command line.
//
// The package starts no goroutine.
package admin
