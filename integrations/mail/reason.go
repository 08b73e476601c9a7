package mail

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// reason words an error of the connection without anything that the far end
// wrote. mend tells that it stays so until people change something.
func reason(err error) (why string, mend bool) {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "the host name is not known", false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not trusted for this name", true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS here; port 465 is TLS from the first byte, 587 begins in clear", true
	}
	var slow net.Error
	switch {
	case strings.Contains(err.Error(), "does not support STARTTLS"):
		return "it offers no STARTTLS, and mail is not sent without TLS", true
	case strings.Contains(err.Error(), "SMTP AUTH"):
		return "it offers no way to sign in that is safe here", true
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused", false
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed", false
	case errors.As(err, &slow) && slow.Timeout():
		return "no answer in time", false
	default:
		return "no conversation came about", false
	}
}
