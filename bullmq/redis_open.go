package bullmq

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// topologyRefresh is how often a client asks Sentinel or a cluster for the
// masters, besides being told of changes: news can be missed.
const topologyRefresh = 5 * time.Second

// urlParameters are what may stand behind the ? of a URL: the client's own and,
// in the second line, ours.
var urlParameters = []string{
	"addr", "db", "master_set", "skip_verify", "dial_timeout", "write_timeout", "client_name", "protocol", "max_retries",
	"sentinel_username", "sentinel_password", "ca", "cert", "key", "server_name",
}

// redisClientOption reads a URL. Its errors name what is wrong without a word
// of the URL itself, which may hold a password.
func redisClientOption(text string, opts *RedisOptions) (rueidis.ClientOption, error) {
	u, err := parseRedisURL(text)
	if err != nil {
		return rueidis.ClientOption{}, err
	}
	query := u.Query()
	option, err := rueidis.ParseURL(u.String())
	if err != nil {
		return option, errors.New("redis: the URL must look like redis://user:password@host:6379/0, with special characters percent-encoded")
	}
	option.DisableCache = true
	option.ForceSingleClient = u.Scheme == "unix"
	option.Dialer.Timeout = cmp.Or(opts.DialTimeout, option.Dialer.Timeout, 5*time.Second)
	// A call that is cut off by a lost connection may have been carried out, so
	// nothing but reads is tried again by the client.
	option.ConnWriteTimeout = cmp.Or(opts.CallTimeout, option.ConnWriteTimeout, 10*time.Second)
	option.ClusterOption.ShardsRefreshInterval = topologyRefresh
	if option.TLSConfig, err = redisTLS(option.TLSConfig, query, opts.TLS); err != nil {
		return option, err
	}
	if option.Sentinel.MasterSet != "" {
		option.Sentinel.Username = cmp.Or(opts.SentinelUsername, query.Get("sentinel_username"))
		option.Sentinel.Password = cmp.Or(opts.SentinelPassword, query.Get("sentinel_password"))
		option.Sentinel.TLSConfig = option.TLSConfig
		option.Sentinel.Dialer = option.Dialer
		option.Sentinel.TopologyRefreshInterval = topologyRefresh
	}
	return option, nil
}

// parseRedisURL splits a URL, turns a list of hosts into addr parameters, and
// gives every host a port.
func parseRedisURL(text string) (*url.URL, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !slices.Contains([]string{"redis", "rediss", "valkey", "valkeys", "unix"}, scheme) {
		return nil, errors.New("redis: the URL must begin with redis://, rediss:// or unix://")
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	at := strings.LastIndexByte(rest[:end], '@') + 1
	hosts := strings.Split(rest[at:end], ",")
	u, err := url.Parse(scheme + "://" + rest[:at] + hosts[0] + rest[end:])
	if err != nil {
		return nil, errors.New("redis: the URL cannot be read; characters such as / @ : # ? in a user or password must be percent-encoded")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("redis: what follows the ? of the URL cannot be read")
	}
	for name := range query {
		if !slices.Contains(urlParameters, name) {
			return nil, fmt.Errorf("redis: unknown parameter in the URL, which may have: %s", strings.Join(urlParameters, ", "))
		}
	}
	if scheme == "unix" {
		return u, nil
	}
	port := "6379"
	if query.Has("master_set") {
		port = "26379"
	}
	u.Host = withPort(u.Host, port)
	query["addr"] = append(hosts[1:], query["addr"]...)
	for i, addr := range query["addr"] {
		query["addr"][i] = withPort(addr, port)
	}
	u.RawQuery = query.Encode()
	return u, nil
}

func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(cmp.Or(strings.Trim(host, "[]"), "localhost"), port)
}

// redisTLS completes the configuration of a rediss:// URL, which is nil for
// others, by the caller's and by the URL's own parameters.
func redisTLS(parsed *tls.Config, query url.Values, given *tls.Config) (*tls.Config, error) {
	files := query.Get("ca") + query.Get("cert") + query.Get("key") + query.Get("server_name")
	if parsed == nil {
		if given != nil || files != "" {
			return nil, errors.New("redis: TLS is configured, but the URL does not begin with rediss://")
		}
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if given != nil {
		config = given.Clone()
		config.MinVersion = cmp.Or(config.MinVersion, tls.VersionTLS12)
	}
	config.InsecureSkipVerify = config.InsecureSkipVerify || parsed.InsecureSkipVerify
	// Without a name each server is checked against the address it was reached by.
	config.ServerName = cmp.Or(config.ServerName, query.Get("server_name"))
	if err := loadTLSFiles(config, query); err != nil {
		return nil, err
	}
	return config, nil
}

func loadTLSFiles(config *tls.Config, query url.Values) error {
	if file := query.Get("ca"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("redis: certificate authority: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("redis: certificate authority: no certificate in %s", file)
		}
	}
	if query.Has("cert") || query.Has("key") {
		pair, err := tls.LoadX509KeyPair(query.Get("cert"), query.Get("key"))
		if err != nil {
			return fmt.Errorf("redis: client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return nil
}
