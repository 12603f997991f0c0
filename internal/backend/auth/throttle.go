package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// accountBurst failed sign-ins to one account from one address are free, then
	// one each accountPause.
	accountBurst = 5
	accountPause = 15 * time.Second
	// addressBurst and addressPause are the same over all accounts.
	addressBurst = 30
	addressPause = 3 * time.Second
	// maxThrottled bounds the memory that strangers can make us use.
	maxThrottled = 20_000
)

// throttle slows down guessing. It forgets with the process.
type throttle struct {
	now func() time.Time

	mu       sync.Mutex
	limiters map[string]*rate.Limiter // guarded by mu
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, limiters: map[string]*rate.Limiter{}}
}

// attempt counts a sign-in and returns 0, or how long to wait before another.
func (t *throttle) attempt(address, account string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	byAddress := t.limiter(address, addressPause, addressBurst)
	byAccount := t.limiter(address+" "+account, accountPause, accountBurst)
	if wait := max(missing(byAddress, addressPause, now), missing(byAccount, accountPause, now)); wait > 0 {
		return wait
	}
	byAddress.AllowN(now, 1)
	byAccount.AllowN(now, 1)
	return 0
}

// succeeded forgets the failures of an account from an address.
func (t *throttle) succeeded(address, account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.limiters, address+" "+account)
	delete(t.limiters, address)
}

// missing returns how long it takes until the limiter has a token.
func missing(l *rate.Limiter, pause time.Duration, now time.Time) time.Duration {
	if tokens := l.TokensAt(now); tokens < 1 {
		return time.Duration((1 - tokens) * float64(pause))
	}
	return 0
}

// limiter is called with mu held.
func (t *throttle) limiter(key string, pause time.Duration, burst int) *rate.Limiter {
	if l, ok := t.limiters[key]; ok {
		return l
	}
	if len(t.limiters) >= maxThrottled {
		t.forget()
	}
	l := rate.NewLimiter(rate.Every(pause), burst)
	t.limiters[key] = l
	return l
}

// forget drops the limiters that hold nobody back, or some if all do.
func (t *throttle) forget() {
	now := t.now()
	for key, l := range t.limiters {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(t.limiters, key)
		}
	}
	for key := range t.limiters {
		if len(t.limiters) < maxThrottled*9/10 {
			return
		}
		delete(t.limiters, key)
	}
}
