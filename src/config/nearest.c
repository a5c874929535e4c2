/*
 * Edit distance (optimal string alignment), for "did you mean".
 */
#include "config/nearest.h"

enum { WORD_MAX = 40 }; /* longer words than any of ours are near to none */

size_t nearest_limit(struct span word)
{
	return word.n < 3 ? 1 : word.n < 8 ? 2 : 3;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t cell(const size_t above[WORD_MAX + 1], const size_t row[WORD_MAX + 1], size_t j, bool same)
{
	return least(above[j - 1] + !same, least(above[j], row[j - 1]) + 1);
}

size_t nearest_distance(struct span a, struct span b, size_t limit)
{
	size_t rows[3][WORD_MAX + 1] = { { 0 } };

	if (a.n > WORD_MAX || b.n > WORD_MAX)
		return limit + 1;
	for (size_t j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			char x = ascii_lower(a.p[i - 1]), y = ascii_lower(b.p[j - 1]);

			row[j] = cell(above, row, j, x == y);
			if (i > 1 && j > 1 && x == ascii_lower(b.p[j - 2]) && ascii_lower(a.p[i - 2]) == y)
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	size_t distance = rows[a.n % 3][b.n];
	return distance <= limit ? distance : limit + 1;
}
