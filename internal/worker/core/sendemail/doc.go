// Package sendemail holds the core handler send-email: it hands one message to a
// mail server over SMTP.
//
// Mail servers are connections that the worker's configuration names, so that
// jobs hold no credentials; a connection also says who may be the sender. A
// message goes to all of its recipients or to none, and its Message-ID stays the
// same at every attempt, so that mail systems can tell a repetition.
package sendemail
