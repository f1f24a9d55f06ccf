package metrics

import "github.com/prometheus/client_golang/prometheus"

type tlsVecs struct {
	expiry *prometheus.GaugeVec
}

func newTLSVecs(reg prometheus.Registerer) tlsVecs {
	s := series{reg, "tls"}
	return tlsVecs{
		expiry: s.gauge("certificate_expiry_timestamp_seconds", "When the TLS certificate in use ends to be valid, in seconds since 1970."),
	}
}

// CertificateExpiry takes the end of the certificate's validity, in seconds
// since 1970.
func (m *Metrics) CertificateExpiry() prometheus.Gauge { return m.tls.expiry.WithLabelValues() }
