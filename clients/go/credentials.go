package millpond

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
)

// TLS names the files of a connection, all of them PEM. They are read again for each connection, so files
// that are renewed need no restart.
type TLS struct {
	// CA has the authorities to trust. Without it those of the system count.
	CA string
	// Certificate and Key prove who the client is. Both may be empty.
	Certificate, Key string
	// ServerName is the name to expect in the service's certificate, if it is not that of the target.
	ServerName string
}

// Credentials that are made anew for each connection.
type fileTLS struct {
	credentials.TransportCredentials
	files TLS
}

// Reads the files once, so that a wrong one is found at once.
func newFileTLS(files TLS) (*fileTLS, error) {
	config, err := files.config()
	if err != nil {
		return nil, err
	}
	return &fileTLS{credentials.NewTLS(config), files}, nil
}

func (f *fileTLS) ClientHandshake(
	ctx context.Context, authority string, raw net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	config, err := f.files.config()
	if err != nil {
		return nil, nil, err
	}
	return credentials.NewTLS(config).ClientHandshake(ctx, authority, raw)
}

func (f *fileTLS) Clone() credentials.TransportCredentials {
	return &fileTLS{f.TransportCredentials.Clone(), f.files}
}

func (t TLS) config() (*tls.Config, error) {
	config := &tls.Config{ServerName: t.ServerName}
	if t.CA != "" {
		authorities, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, fmt.Errorf("%s: the file holds no certificate", t.CA)
		}
	}
	if t.Certificate != "" || t.Key != "" {
		pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		if err != nil {
			return nil, fmt.Errorf("%s and %s: %w", t.Certificate, t.Key, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// How old what is known of the file may be when a call begins.
const checkTokenAfter = time.Second

// The token of a file.
type token struct {
	file    string
	mutex   sync.Mutex
	header  map[string]string
	checked time.Time
}

func openToken(file string) (*token, error) {
	header, err := readToken(file)
	return &token{file: file, header: header, checked: time.Now()}, err
}

func (t *token) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if time.Since(t.checked) >= checkTokenAfter {
		t.checked = time.Now()
		// A file that cannot be used leaves the token as it was: the service judges whether it still counts.
		if header, err := readToken(t.file); err == nil {
			t.header = header
		}
	}
	return t.header, nil
}

// Everybody on the way could read the token otherwise.
func (t *token) RequireTransportSecurity() bool { return true }

func readToken(file string) (map[string]string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(string(content))
	if len(words) != 1 {
		return nil, errors.New(file + ": the file must hold one token")
	}
	return map[string]string{"authorization": "Bearer " + words[0]}, nil
}
