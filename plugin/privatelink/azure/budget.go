package azure

import "time"

// A budget is a number of reads in a time, however many fetches there are: a query
// may trigger a fetch at any moment. The zero value allows nothing.
type budget struct {
	every time.Duration // one read
	most  int           // reads that are saved for later
	spent time.Time     // the reads until then are spent
}

// left returns how many reads the budget has.
func (b *budget) left(now time.Time) int {
	if b.every == 0 {
		return 0
	}
	return min(int(now.Sub(b.spent)/b.every), b.most)
}

// spend removes n reads, which the budget has.
func (b *budget) spend(n int, now time.Time) {
	if full := now.Add(-time.Duration(b.most) * b.every); b.spent.Before(full) {
		b.spent = full
	}
	b.spent = b.spent.Add(time.Duration(n) * b.every)
}
