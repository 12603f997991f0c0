package store

import (
	"context"

	"github.com/uptrace/bun"
)

// User is a person who can sign in.
type User struct {
	bun.BaseModel `bun:"table:users"`

	ID string `bun:",pk"`
	// Email is unique, in lower case.
	Email        string
	Name         string
	Role         string
	PasswordHash string
	CreatedAt    int64
	UpdatedAt    int64
	DisabledAt   *int64
}

// HasUsers reports whether there is any user.
func (db *DB) HasUsers(ctx context.Context) (bool, error) {
	ok, err := db.read.NewSelect().Model((*User)(nil)).Exists(ctx)
	return ok, wrap("look for users", err)
}

// UserByEmail returns the user with this address in lower case, or [ErrNotFound].
func (db *DB) UserByEmail(ctx context.Context, email string) (*User, error) {
	u := new(User)
	err := db.read.NewSelect().Model(u).Where("email = ?", email).Scan(ctx)
	return u, wrap("read user", err)
}

// CreateUser adds a user. It returns [ErrConflict] if the address is taken.
func (db *DB) CreateUser(ctx context.Context, u *User) error {
	_, err := db.write.NewInsert().Model(u).Exec(ctx)
	return wrap("create user", err)
}

// CreateFirstUser adds a user if there is none and the setting of that name has
// the value, and removes the setting. It returns [ErrNotFound] if the value is
// another one, [ErrConflict] if there is a user.
func (db *DB) CreateFirstUser(ctx context.Context, u *User, setting, value string) error {
	return db.tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// The delete comes first, for it makes a second registration wait.
		res, err := tx.NewDelete().Model((*Setting)(nil)).Where("name = ? AND value = ?", setting, value).Exec(ctx)
		if err := oneRow("use setup token", res, err); err != nil {
			return err
		}
		if exists, err := tx.NewSelect().Model((*User)(nil)).Exists(ctx); err != nil {
			return wrap("look for users", err)
		} else if exists {
			return wrap("create first user", ErrConflict)
		}
		_, err = tx.NewInsert().Model(u).Exec(ctx)
		return wrap("create first user", err)
	})
}
