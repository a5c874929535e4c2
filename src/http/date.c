/*
 * HTTP dates: three forms in, one out.  Pure arithmetic on the proleptic Gregorian calendar.
 */
#include "http/date.h"

enum { DAY_S = 86400, YEAR_MAX = 9999, CENTURY_WINDOW = 50 };

struct civil {
	int64_t year;
	unsigned month, day; /* from 1 */
	unsigned hour, minute, second;
};

static const char month_names[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

static const char short_weekday_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

static const char *const weekday_names[7] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_days(int64_t year, unsigned month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Whole 400-year eras have 146097 days; years are counted from March, so that leap days come last. */
static int64_t civil_to_s(const struct civil *c)
{
	int64_t year = c->month > 2 ? c->year : c->year - 1;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * ((int64_t)c->month + (c->month > 2 ? -3 : 9)) + 2) / 5 + c->day - 1;
	int64_t days = era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;

	return days * DAY_S + c->hour * 3600 + c->minute * 60 + c->second;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* The inverse of civil_to_s(). */
static struct civil civil_of(int64_t s)
{
	int64_t shifted = floor_div(s, DAY_S) + 719468; /* days since 0000-03-01 */
	int64_t era = floor_div(shifted, 146097);
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153; /* from March, 0 to 11 */
	unsigned in_day = (unsigned)(s - floor_div(s, DAY_S) * DAY_S);

	return (struct civil){
		.year = year_of_era + era * 400 + (month >= 10),
		.month = (unsigned)(month < 10 ? month + 3 : month - 9),
		.day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1),
		.hour = in_day / 3600,
		.minute = in_day / 60 % 60,
		.second = in_day % 60,
	};
}

/* Which of the names of three letters stands at p, from 1; 0 for none of them. */
static inline unsigned name_at(const char *p, const char (*names)[4], unsigned count)
{
	const char letters[4] = { p[0], p[1], p[2], '\0' };
	uint32_t wanted, name;

	memcpy(&wanted, letters, sizeof(wanted));
	for (unsigned i = 0; i < count; i++) {
		memcpy(&name, names[i], sizeof(name));
		if (name == wanted)
			return i + 1;
	}
	return 0;
}

static unsigned weekday_at(const char *p)
{
	return name_at(p, short_weekday_names, 7);
}

static unsigned month_at(const char *p)
{
	return name_at(p, month_names, 12);
}

/* Each of these takes its piece off *rest, or returns false. */

static bool take(struct span *rest, struct span literal)
{
	if (!span_starts(*rest, literal))
		return false;
	*rest = span_from(*rest, literal.n);
	return true;
}

static bool take_number(struct span *rest, size_t digits, unsigned *out)
{
	uint64_t n;

	if (rest->n < digits || !span_u64(span_first(*rest, digits), YEAR_MAX, &n))
		return false;
	*out = (unsigned)n;
	*rest = span_from(*rest, digits);
	return true;
}

static bool take_weekday(struct span *rest)
{
	if (rest->n < 3 || !weekday_at(rest->p))
		return false;
	*rest = span_from(*rest, 3);
	return true;
}

static bool take_full_weekday(struct span *rest)
{
	for (size_t i = 0; i < 7; i++)
		if (take(rest, span_str(weekday_names[i])))
			return true;
	return false;
}

static bool take_month(struct span *rest, unsigned *month)
{
	*month = rest->n < 3 ? 0 : month_at(rest->p);
	*rest = span_from(*rest, 3);
	return *month;
}

static bool take_year(struct span *rest, int64_t *year)
{
	unsigned n;

	if (!take_number(rest, 4, &n))
		return false;
	*year = n;
	return true;
}

static bool take_time(struct span *rest, struct civil *c)
{
	return take_number(rest, 2, &c->hour) && take(rest, SPAN(":")) && take_number(rest, 2, &c->minute) &&
	       take(rest, SPAN(":")) && take_number(rest, 2, &c->second);
}

/* Two digits; 100 or more for anything else, which no field of a date can be. */
static unsigned two_digits(const char *p)
{
	return ascii_digit(p[0]) && ascii_digit(p[1]) ? (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0') : UINT16_MAX;
}

static bool parse_year(const char *p, int64_t *year)
{
	unsigned century = two_digits(p), rest = two_digits(p + 2);

	*year = (int64_t)century * 100 + rest;
	return century < 100 && rest < 100;
}

/*
 * "Sun, 06 Nov 1994 08:49:37 GMT": what nearly all senders write, with everything always in the same place.  The
 * ranges of day and time are checked by the caller.
 */
static bool parse_imf(struct span s, struct civil *c)
{
	const char *p = s.p;

	if (s.n != HTTP_DATE_BYTES || memcmp(p + 3, ", ", 2) != 0 || p[7] != ' ' || p[11] != ' ' || p[16] != ' ' ||
		p[19] != ':' || p[22] != ':' || memcmp(p + 25, " GMT", 4) != 0)
		return false;
	c->day = two_digits(p + 5);
	c->hour = two_digits(p + 17);
	c->minute = two_digits(p + 20);
	c->second = two_digits(p + 23);
	c->month = month_at(p + 8);
	return weekday_at(p) && c->month && parse_year(p + 12, &c->year);
}

/* "Sun Nov  6 08:49:37 1994" */
static bool parse_asctime(struct span s, struct civil *c)
{
	if (!take_weekday(&s) || !take(&s, SPAN(" ")) || !take_month(&s, &c->month) || !take(&s, SPAN(" ")))
		return false;
	if (!take_number(&s, take(&s, SPAN(" ")) ? 1 : 2, &c->day))
		return false;
	return take(&s, SPAN(" ")) && take_time(&s, c) && take(&s, SPAN(" ")) && take_year(&s, &c->year) && s.n == 0;
}

/*
 * The latest year with these two digits that is not more than 50 years ahead: what "appears to be more than 50
 * years in the future" is the past (RFC 9110 section 5.6.7).
 */
static void set_century(struct civil *c, int64_t now_s)
{
	struct civil limit = civil_of(now_s);
	int64_t century = limit.year - limit.year % 100;

	limit.year += CENTURY_WINDOW;
	int64_t limit_s = civil_to_s(&limit);
	c->year += century + 100;
	while (civil_to_s(c) > limit_s)
		c->year -= 100;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool parse_rfc850(struct span s, int64_t now_s, struct civil *c)
{
	unsigned two_digits;

	if (!take_full_weekday(&s) || !take(&s, SPAN(", ")) || !take_number(&s, 2, &c->day) || !take(&s, SPAN("-")) ||
	    !take_month(&s, &c->month) || !take(&s, SPAN("-")) || !take_number(&s, 2, &two_digits) ||
	    !take(&s, SPAN(" ")) || !take_time(&s, c) || !span_eq(s, SPAN(" GMT")))
		return false;
	c->year = two_digits;
	set_century(c, now_s);
	return true;
}

/* A second of 60 is a leap second and counts as the next minute's first. */
static bool in_calendar(const struct civil *c)
{
	return c->day >= 1 && c->day <= month_days(c->year, c->month) && c->hour <= 23 && c->minute <= 59 &&
	       c->second <= 60;
}

static bool parse_any(struct span s, int64_t now_s, int64_t *out_s)
{
	struct civil c = { 0 };

	if (!parse_imf(s, &c) && !parse_asctime(s, &c) && !parse_rfc850(s, now_s, &c))
		return false;
	if (!in_calendar(&c))
		return false;
	*out_s = civil_to_s(&c);
	return true;
}

/* A date in the form of most senders, the only one of its length: its meaning does not depend on when it is read. */
struct read_before {
	char text[HTTP_DATE_BYTES];
	int64_t s;
};

enum { READ_BEFORE = 16 };

/* By everything in which the dates of one response differ: day and month, the year's last digit, the time of day. */
static unsigned place_of(const char *date)
{
	uint64_t day, time;

	memcpy(&day, date + 5, sizeof(day));
	memcpy(&time, date + 17, sizeof(time));
	return (unsigned)((day + time * 31 + (unsigned char)date[15]) * UINT64_C(0x9e3779b97f4a7c15) >> 56) % READ_BEFORE;
}

/* One response brings up to three, read in several places, and the next response mostly the same. */
bool http_date_parse(struct span s, int64_t now_s, int64_t *out_s)
{
	static _Thread_local struct read_before read_before[READ_BEFORE];

	if (s.n != HTTP_DATE_BYTES)
		return parse_any(s, now_s, out_s);
	struct read_before *r = &read_before[place_of(s.p)];
	if (memcmp(r->text, s.p, HTTP_DATE_BYTES) != 0) {
		if (!parse_any(s, now_s, &r->s))
			return false;
		memcpy(r->text, s.p, HTTP_DATE_BYTES);
	}
	*out_s = r->s;
	return true;
}

static int64_t clamp_to_calendar(int64_t s)
{
	static const struct civil first = { .year = 0, .month = 1, .day = 1 };
	static const struct civil last = { YEAR_MAX, 12, 31, 23, 59, 59 };
	int64_t low = civil_to_s(&first), high = civil_to_s(&last);

	return s < low ? low : s > high ? high : s;
}

size_t http_date_format(int64_t s, char out[HTTP_DATE_BYTES])
{
	s = clamp_to_calendar(s);
	struct civil c = civil_of(s);
	int64_t weekday = (floor_div(s, DAY_S) % 7 + 11) % 7; /* 1970-01-01 was a Thursday */

	memcpy(out, "Ddd, dd Mmm yyyy hh:mm:ss GMT", HTTP_DATE_BYTES);
	memcpy(out, short_weekday_names[weekday], 3);
	span_put_digits(out + 5, 2, c.day);
	memcpy(out + 8, month_names[c.month - 1], 3);
	span_put_digits(out + 12, 4, (uint64_t)c.year);
	span_put_digits(out + 17, 2, c.hour);
	span_put_digits(out + 20, 2, c.minute);
	span_put_digits(out + 23, 2, c.second);
	return HTTP_DATE_BYTES;
}
