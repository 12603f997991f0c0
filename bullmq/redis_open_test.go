package bullmq

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestRedisURL(t *testing.T) {
	t.Parallel()
	type parsed struct {
		Addresses                          []string
		User, Password                     string
		Database                           int
		TLS                                bool
		MasterSet, SentinelUser, SentinelP string
	}
	for text, want := range map[string]parsed{
		"redis://h":                    {Addresses: []string{"h:6379"}},
		"redis://":                     {Addresses: []string{"localhost:6379"}},
		"redis://[::1]/2":              {Addresses: []string{"[::1]:6379"}, Database: 2},
		"valkey://:p%40ss%2F@h:1?db=3": {Addresses: []string{"h:1"}, Password: "p@ss/", Database: 3},
		"rediss://u:p@h":               {Addresses: []string{"h:6379"}, User: "u", Password: "p", TLS: true},
		"redis://a:1,b,[::1]:3":        {Addresses: []string{"a:1", "b:6379", "[::1]:3"}},
		"redis://a?addr=b:2&addr=c":    {Addresses: []string{"a:6379", "b:2", "c:6379"}},
		"redis://a,b:2/1?master_set=m": {Addresses: []string{"a:26379", "b:2"}, Database: 1, MasterSet: "m"},
		"unix://u:p@/run/r.sock?db=4":  {Addresses: []string{"/run/r.sock"}, User: "u", Password: "p", Database: 4},
		"rediss://u:p@a?master_set=m&sentinel_username=s&sentinel_password=t": {
			Addresses: []string{"a:26379"}, User: "u", Password: "p", TLS: true, MasterSet: "m", SentinelUser: "s", SentinelP: "t",
		},
	} {
		option, err := redisClientOption(text, &RedisOptions{})
		require.NoError(t, err, text)
		require.Empty(t, cmp.Diff(want, parsed{
			option.InitAddress, option.Username, option.Password, option.SelectDB, option.TLSConfig != nil,
			option.Sentinel.MasterSet, option.Sentinel.Username, option.Sentinel.Password,
		}), text)
	}
}

func TestRedisOptionsComeBeforeTheURL(t *testing.T) {
	t.Parallel()
	const text = "redis://h?master_set=m&dial_timeout=1s&write_timeout=2s&sentinel_username=url&sentinel_password=url"
	option, err := redisClientOption(text, &RedisOptions{})
	require.NoError(t, err)
	require.Equal(t, time.Second, option.Dialer.Timeout)
	require.Equal(t, 2*time.Second, option.ConnWriteTimeout)
	option, err = redisClientOption(text, &RedisOptions{
		DialTimeout: 3 * time.Second, CallTimeout: 4 * time.Second, SentinelUsername: "own", SentinelPassword: "own",
	})
	require.NoError(t, err)
	require.Equal(t, 3*time.Second, option.Dialer.Timeout)
	require.Equal(t, 4*time.Second, option.ConnWriteTimeout)
	require.Equal(t, "own", option.Sentinel.Username)
	require.Equal(t, "own", option.Sentinel.Password)
}

func FuzzRedisURLErrorsHideThePassword(f *testing.F) {
	const secret = "hunter2"
	for _, seed := range []string{"redis://u:*@h/x", "redis://u:*/@h", "rediss://*", "*://h", "redis://h?*=1", "redis://h?db=*", "redis://h:*", "redis://[*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := redisClientOption(strings.ReplaceAll(text, "*", secret), &RedisOptions{})
		// Files that are named for a certificate are no secrets.
		if err != nil && !strings.Contains(err.Error(), "certificate") {
			require.NotContains(t, err.Error(), secret)
			require.NotContains(t, err.Error(), url.QueryEscape(secret))
		}
	})
}
