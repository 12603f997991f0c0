// Package config finds the values of JobRunner's settings: flags over
// JOBRUNNER_* environment variables over a YAML file over defaults.
//
// All of it follows from one table, [Settings]: the name of a setting is its
// flag and its key in the file, and in capitals its variable.
package config
