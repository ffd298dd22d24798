package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	millpondv1 "millpond/v1"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// A token that is read from its file for each call, since it changes there.
type fileToken string

func (file fileToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := os.ReadFile(string(file))
	return map[string]string{"authorization": "Bearer " + strings.TrimSpace(string(token))}, err
}

func (fileToken) RequireTransportSecurity() bool { return true }

// Looks up one key over TLS, and prints the status.
func lookup(address, table, key string) []string {
	config, err := tlsConfig()
	if err != nil {
		return []string{err.Error()}
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(credentials.NewTLS(config))}
	if file := os.Getenv("MILLPOND_TOKEN_FILE"); file != "" {
		options = append(options, grpc.WithPerRPCCredentials(fileToken(file)))
	}
	connection, err := grpc.NewClient("dns:///"+address, options...)
	if err != nil {
		return []string{err.Error()}
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request := &millpondv1.GetRequest{Table: table, Key: key}
	answer, err := millpondv1.NewLookupServiceClient(connection).Get(ctx, request)
	fmt.Println("status:", statusName(err), status.Convert(err).Message())
	if err == nil && answer.GetResult().GetEntry() == nil {
		return []string{"there is no entry"}
	}
	return nil
}

func tlsConfig() (*tls.Config, error) {
	ca, certificate, key := os.Getenv("MILLPOND_CA"), os.Getenv("MILLPOND_CERTIFICATE"), os.Getenv("MILLPOND_KEY")
	if server := os.Getenv("SERVER_SPIFFE_ID"); server != "" && certificate != "" {
		return spiffeConfig(server, ca, certificate, key)
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(pem)
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Knows the service by its SPIFFE id alone, and not by its host name.
func spiffeConfig(server, ca, certificate, key string) (*tls.Config, error) {
	id, err := spiffeid.FromString(server)
	if err != nil {
		return nil, err
	}
	svid, err := x509svid.Load(certificate, key)
	if err != nil {
		return nil, err
	}
	bundle, err := x509bundle.Load(id.TrustDomain(), ca)
	if err != nil {
		return nil, err
	}
	return tlsconfig.MTLSClientConfig(svid, bundle, tlsconfig.AuthorizeID(id)), nil
}

// The name of a status as the protocol writes it, such as PERMISSION_DENIED.
func statusName(err error) string {
	names := []string{
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
		"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
		"UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
	}
	return names[status.Code(err)]
}
