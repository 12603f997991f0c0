package store

import (
	"context"

	"github.com/uptrace/bun"
)

// Setting is a value that the installation keeps about itself.
type Setting struct {
	bun.BaseModel `bun:"table:settings"`

	Name  string `bun:",pk"`
	Value string
}

// Setting returns the value of that name, or [ErrNotFound].
func (db *DB) Setting(ctx context.Context, name string) (string, error) {
	var value string
	err := db.read.NewSelect().Model((*Setting)(nil)).Column("value").Where("name = ?", name).Scan(ctx, &value)
	return value, wrap("read setting "+name, err)
}

// SettingOrSet returns the value of that name. If there is none it stores the
// given one first; of several processes that do so at once, one wins.
func (db *DB) SettingOrSet(ctx context.Context, name, value string) (string, error) {
	_, err := db.write.NewInsert().Model(&Setting{Name: name, Value: value}).On("CONFLICT (name) DO NOTHING").Exec(ctx)
	if err != nil {
		return "", wrap("write setting "+name, err)
	}
	return db.Setting(ctx, name)
}

// Set stores the value, in place of any other.
func (db *DB) Set(ctx context.Context, name, value string) error {
	_, err := db.write.NewInsert().Model(&Setting{Name: name, Value: value}).
		On("CONFLICT (name) DO UPDATE").Set("value = EXCLUDED.value").Exec(ctx)
	return wrap("write setting "+name, err)
}
