package store_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/internal/store"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// onEachDatabase runs a test on both databases.
func onEachDatabase(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	for name, address := range map[string]func(testing.TB) string{
		"sqlite": testenv.SQLite, "postgres": testenv.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, address(t)))
		})
	}
}

func open(t *testing.T, address string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestOpenRefusesURLsItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "mysql://x", "sqlite:", "sqlite://relative.db", "sqlite:///x.db?mode=ro", "postgres://host:port:x/"} {
		_, err := store.Open(t.Context(), address)
		require.Error(t, err, address)
	}
}

func TestProcessesThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"sqlite": "sqlite://" + filepath.Join(t.TempDir(), "new%20db%3F.db"), "postgres": testenv.Postgres(t),
	} {
		t.Run(name, func(t *testing.T) {
			g, ctx := errgroup.WithContext(t.Context())
			for range 4 {
				g.Go(func() error {
					db, err := store.Open(ctx, address)
					if err != nil {
						return err
					}
					return db.Close()
				})
			}
			require.NoError(t, g.Wait())
			db := open(t, address)
			require.NoError(t, db.Ping(t.Context()))
			version, err := db.Version(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, version)
		})
	}
}

func TestASettingIsWrittenOnceByManyAndReplacedBySet(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db *store.DB) {
		_, err := db.Setting(t.Context(), "a")
		require.ErrorIs(t, err, store.ErrNotFound)
		got := make([]string, 8)
		g, ctx := errgroup.WithContext(t.Context())
		for i := range got {
			g.Go(func() (err error) {
				got[i], err = db.SettingOrSet(ctx, "a", string(rune('a'+i)))
				return err
			})
		}
		require.NoError(t, g.Wait())
		for _, v := range got {
			require.Equal(t, got[0], v)
		}
		require.NoError(t, db.Set(t.Context(), "a", "new"))
		v, err := db.Setting(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, "new", v)
	})
}

func newUser(id, email string) *store.User {
	return &store.User{ID: id, Email: email, Name: "N", Role: "admin", PasswordHash: "h", CreatedAt: 1, UpdatedAt: 1}
}

func TestOnlyOneOfManyBecomesTheFirstUser(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		require.NoError(t, db.Set(ctx, "setup", "hash"))
		require.ErrorIs(t, db.CreateFirstUser(ctx, newUser("u", "a@b"), "setup", "other"), store.ErrNotFound)
		errs := make([]error, 6)
		var g errgroup.Group
		for i := range errs {
			g.Go(func() error {
				id := string(rune('a' + i))
				errs[i] = db.CreateFirstUser(ctx, newUser(id, id+"@b"), "setup", "hash")
				return nil
			})
		}
		require.NoError(t, g.Wait())
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			require.ErrorIs(t, err, store.ErrNotFound)
		}
		require.Equal(t, 1, won)
		require.NoError(t, db.Set(ctx, "setup", "hash"))
		require.ErrorIs(t, db.CreateFirstUser(ctx, newUser("z", "z@b"), "setup", "hash"), store.ErrConflict)
	})
}

func TestAnEmailAddressBelongsToOneUser(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db *store.DB) {
		has, err := db.HasUsers(t.Context())
		require.NoError(t, err)
		require.False(t, has)
		want := newUser("1", "a@b")
		require.NoError(t, db.CreateUser(t.Context(), want))
		require.ErrorIs(t, db.CreateUser(t.Context(), newUser("2", "a@b")), store.ErrConflict)
		got, err := db.UserByEmail(t.Context(), "a@b")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, got, cmpopts.IgnoreTypes(bun.BaseModel{})))
		has, err = db.HasUsers(t.Context())
		require.NoError(t, err)
		require.True(t, has)
	})
}

func TestAReusedRefreshTokenEndsItsSession(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		require.NoError(t, db.CreateUser(ctx, newUser("1", "a@b")))
		s := &store.Session{ID: "s", UserID: "1", CreatedAt: 10, ExpiresAt: 100}
		require.NoError(t, db.CreateSession(ctx, s, "r1"))

		got, err := db.RotateRefreshToken(ctx, "r1", "r2", 20, 120)
		require.NoError(t, err)
		require.EqualValues(t, 120, got.ExpiresAt)
		u, err := db.SessionUser(ctx, "s", 110)
		require.NoError(t, err)
		require.Equal(t, "1", u.ID)

		_, err = db.RotateRefreshToken(ctx, "unknown", "r3", 20, 120)
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = db.RotateRefreshToken(ctx, "r1", "r3", 30, 130)
		require.ErrorIs(t, err, store.ErrTokenReused)
		_, err = db.SessionUser(ctx, "s", 31)
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = db.RotateRefreshToken(ctx, "r2", "r4", 40, 140)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestARefreshTokenIsUsedByOneOfMany(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		require.NoError(t, db.CreateUser(ctx, newUser("1", "a@b")))
		require.NoError(t, db.CreateSession(ctx, &store.Session{ID: "s", UserID: "1", CreatedAt: 10, ExpiresAt: 100}, "r"))
		errs := make([]error, 6)
		var g errgroup.Group
		for i := range errs {
			g.Go(func() error {
				_, errs[i] = db.RotateRefreshToken(ctx, "r", "n"+string(rune('a'+i)), 20, 120)
				return nil
			})
		}
		require.NoError(t, g.Wait())
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				require.ErrorIs(t, err, store.ErrTokenReused)
			}
		}
		require.Equal(t, 1, won)
	})
}

func TestASessionEndsByTimeOrByItsToken(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		require.NoError(t, db.CreateUser(ctx, newUser("1", "a@b")))
		require.NoError(t, db.CreateSession(ctx, &store.Session{ID: "old", UserID: "1", CreatedAt: 10, ExpiresAt: 100}, "r1"))
		_, err := db.SessionUser(ctx, "old", 100)
		require.ErrorIs(t, err, store.ErrNotFound)
		require.NoError(t, db.CreateSession(ctx, &store.Session{ID: "new", UserID: "1", CreatedAt: 200, ExpiresAt: 300}, "r2"))
		require.NoError(t, db.EndSessionOfToken(ctx, "r2", 210))
		_, err = db.SessionUser(ctx, "new", 220)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestAPIKeysAreListedTouchedAndRevoked(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		expires := int64(99)
		for i, id := range []string{"a", "b", "c"} {
			require.NoError(t, db.CreateAPIKey(ctx, &store.APIKey{
				ID: id, Name: id, Prefix: "p" + id, Hash: "h", Scopes: []string{"jobs:read"}, Queues: []string{},
				CreatedBy: "1", CreatedAt: int64(i), ExpiresAt: &expires,
			}))
		}
		keys, n, err := db.APIKeys(ctx, 1, 1)
		require.NoError(t, err)
		require.EqualValues(t, 3, n)
		require.Len(t, keys, 1)
		require.Equal(t, "b", keys[0].ID)

		require.NoError(t, db.TouchAPIKey(ctx, "a", 1000, 500))
		require.NoError(t, db.TouchAPIKey(ctx, "a", 1200, 700))
		require.NoError(t, db.RevokeAPIKey(ctx, "a", 2000))
		require.ErrorIs(t, db.RevokeAPIKey(ctx, "a", 2001), store.ErrNotFound)
		k, err := db.APIKeyByPrefix(ctx, "pa")
		require.NoError(t, err)
		require.EqualValues(t, 1000, *k.LastUsedAt)
		require.EqualValues(t, 2000, *k.RevokedAt)
		require.EqualValues(t, 99, *k.ExpiresAt)
		require.Equal(t, []string{"jobs:read"}, k.Scopes)
		require.Empty(t, k.Queues)
	})
}

func TestAFlowTakesItsRunsAlong(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		f := &store.Flow{ID: "f", Name: "n", Definition: json.RawMessage(`{"z":1,"a":"<é>"}`), Parameters: json.RawMessage(`[]`), CreatedBy: "u", CreatedAt: 1, UpdatedAt: 1}
		require.NoError(t, db.CreateFlow(ctx, f))
		got, err := db.Flow(ctx, "f")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(f, got, cmpopts.IgnoreTypes(bun.BaseModel{})))
		for i, id := range []string{"r1", "r2"} {
			require.NoError(t, db.CreateFlowRun(ctx, &store.FlowRun{
				ID: id, FlowID: "f", FlowName: "n", RootQueue: "q", RootJobID: "j", Tree: json.RawMessage(`{}`),
				Parameters: json.RawMessage(`{}`), CreatedBy: "u", CreatedAt: int64(i),
			}))
		}
		runs, n, err := db.FlowRuns(ctx, "f", 0, 1)
		require.NoError(t, err)
		require.EqualValues(t, 2, n)
		require.Equal(t, "r2", runs[0].ID)
		f.Name, f.UpdatedAt = "m", 2
		require.NoError(t, db.UpdateFlow(ctx, f))
		flows, err := db.Flows(ctx, 10)
		require.NoError(t, err)
		require.Equal(t, "m", flows[0].Name)
		require.NoError(t, db.DeleteFlow(ctx, "f"))
		_, err = db.FlowRun(ctx, "r1")
		require.ErrorIs(t, err, store.ErrNotFound)
		require.ErrorIs(t, db.DeleteFlow(ctx, "f"), store.ErrNotFound)
		require.ErrorIs(t, db.UpdateFlow(ctx, f), store.ErrNotFound)
	})
}

func TestTheAuditLogGrows(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		require.NoError(t, db.AppendAudit(ctx, nil))
		require.NoError(t, db.AppendAudit(ctx, []store.AuditEntry{{At: 1, Action: "a"}, {At: 2, Action: "b"}}))
		got, err := db.Audit(ctx, 1)
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, "b", got[0].Action)
	})
}

func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, db.Ping(ctx), context.Canceled)
	})
}
