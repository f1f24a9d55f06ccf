// Package docs embeds what Sluice itself serves of its documentation.
package docs

import _ "embed" // for the file below

// OpenAPI describes the API on the admin port.
//
//go:embed openapi.yaml
var OpenAPI []byte
