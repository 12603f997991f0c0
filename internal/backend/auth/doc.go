// Package auth knows who makes a request and what that principal may do.
//
// A [Service] keeps users, sessions and API keys in SQL. People sign in with a
// password and get a short-lived access token and a rotating refresh token;
// programs use API keys. Both end up as a [Principal] with a set of scopes and,
// for keys, a list of queue patterns.
package auth
