/*
 * What each vendor's fields say, layer by layer, and the verdict that follows: as seen in the wild, or as their
 * manuals show them.
 */
#include "policy_heads.h"

#include "policy/evidence.h"

#define NOW_S 1795348800 /* DATE_NOW */
#define DATE_NOW "Date: Sun, 22 Nov 2026 12:00:00 GMT"

struct row {
	const char *lines, *layers, *verdict;
};

static void judge(const char *lines, struct verdict *v)
{
	static struct head h;

	head_read_response(&h, 200, lines);
	memset(v, 0x55, sizeof(*v));
	evidence_judge(&h.m, NOW_S, v);
}

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char layers[VERDICT_LAYERS_MAX * (VERDICT_LAYER_TEXT_MAX + 1)] = "", verdict[VERDICT_TEXT_MAX];
		struct verdict v;
		size_t n = 0;

		judge(rows[i].lines, &v);
		assert_true(v.layer_count <= VERDICT_LAYERS_MAX);
		for (unsigned l = 0; l < v.layer_count; l++) {
			char text[VERDICT_LAYER_TEXT_MAX];
			size_t len = verdict_layer_format(&v.layers[l], text);

			assert_int_equal(len, strlen(text));
			n += (size_t)snprintf(layers + n, sizeof(layers) - n, "%s%s", l ? " " : "", text);
		}
		verdict_format(&v, verdict);
		assert_text(rows[i].lines, layers, rows[i].layers);
		assert_text(rows[i].lines, verdict, rows[i].verdict);
	}
}

#define CHECK(...) \
	static const struct row rows[] = { __VA_ARGS__ }; \
	(void)state; \
	check(rows, COUNT(rows))

static void test_standard_members_run_from_the_client_to_the_origin(void **state)
{
	CHECK(
		{ "Cache-Status: shield; hit; ttl=30, edge; fwd=miss; stored\nAge: 30",
			"edge:miss shield:hit:30s", "from-cache(shield, 30 s)" },
		{ "Cache-Status: a; fwd=bypass\nCache-Status: b; fwd=uri-miss; collapsed\nCache-Status: c; fwd=method",
			"c:pass b:miss a:pass", "fresh" },
		{ "Cache-Status: a; fwd=stale; fwd-status=304; stored", "a:revalidated", "revalidated" },
		{ "Cache-Status: \"Netlify Durable\"; fwd=miss, \"Netlify Edge\"; hit\nAge: 4",
			"Netlify?Edge:hit:4s Netlify?Durable:miss", "from-cache(Netlify?Edge, 4 s)" },
		{ "Cache-Status: a; hit; ttl=-3", "a:hit", "stale(a, 3 s)" },
		{ "Cache-Status: 1;hit, 2;hit, 3;hit, 4;hit, 5;hit, 6;hit, 7;hit",
			"7:hit 6:hit 5:hit 4:hit 3:hit 2:hit", "from-cache(7)" },
	);
}

static void test_cloudflare(void **state)
{
	CHECK(
		{ "CF-Cache-Status: HIT\nAge: 86\nCF-RAY: 1-FRA\nCache-Control: max-age=14400", "cloudflare:hit:86s",
			"from-cache(cloudflare, 86 s)" },
		{ "CF-Cache-Status: MISS", "cloudflare:miss", "fresh" },
		{ "CF-Cache-Status: EXPIRED", "cloudflare:miss", "fresh" },
		{ "CF-Cache-Status: STALE\nAge: 90", "cloudflare:stale:90s", "stale(cloudflare)" },
		{ "CF-Cache-Status: UPDATING", "cloudflare:stale", "stale(cloudflare)" },
		{ "CF-Cache-Status: REVALIDATED", "cloudflare:revalidated", "revalidated" },
		{ "CF-Cache-Status: BYPASS", "cloudflare:pass", "fresh" },
		{ "cf-cache-status: dynamic", "cloudflare:pass", "fresh" },
		{ "CF-Cache-Status: NONE/UNKNOWN", "cloudflare:unknown", "unknown" },
	);
}

static void test_fastly(void **state)
{
	CHECK(
		{ "Age: 142\nX-Served-By: cache-jfk1041-JFK, cache-ord1720-ORD\nX-Cache: HIT, HIT\nX-Cache-Hits: 1, 7",
			"cache-ord1720-ORD:hit:142s cache-jfk1041-JFK:hit", "from-cache(cache-ord1720-ORD, 142 s)" },
		{ "X-Served-By: cache-sea1927-SEA\nX-Cache: MISS\nX-Cache-Hits: 0\nVia: 1.1 varnish\nAge: 0",
			"cache-sea1927-SEA:miss", "fresh" },
		{ "X-Served-By: cache-sea1927-SEA, cache-ams4133-AMS\nX-Cache: MISS, HIT, HIT\nAge: 96",
			"x-cache:hit:96s x-cache:hit x-cache:miss", "from-cache(x-cache, 96 s)" },
		{ "X-Cache: MISS, HIT", "x-cache:hit x-cache:miss", "from-cache(x-cache)" },
		{ "X-Cache: HIT, MISS", "x-cache:miss x-cache:hit", "from-cache(x-cache)" },
		{ "X-Cache-Hits: 0, 3", "x-cache-hits:hit?", "from-cache(x-cache-hits)" },
		{ "Fastly-Debug-TTL: H cache-jfk1026-JFK 41733294.335 864000.000 2273", "cache-jfk1026-JFK:hit:2273s",
			"from-cache(cache-jfk1026-JFK, 2273 s)" },
		{ "Fastly-Debug-TTL: (M cache-sjc3132-SJC - - -) (H cache-lcy1128-LCY - - 12)",
			"cache-lcy1128-LCY:hit:12s cache-sjc3132-SJC:miss", "from-cache(cache-lcy1128-LCY, 12 s)" },
		{ "Fastly-Debug-Digest: 5f3c\nFastly-Debug-Path: (D cache-lcy1128-LCY 1415969775)\n"
		  "Fastly-Debug-TTL: (M cache-lcy1128-LCY - - -)", "cache-lcy1128-LCY:miss", "fresh" },
	);
}

static void test_akamai(void **state)
{
	CHECK(
		{ "X-Cache: TCP_MEM_HIT from a69-174-50-208 (AkamaiGHost/5.7.2-5726413) (-)\nX-Check-Cacheable: YES",
			"a69-174-50-208:hit", "from-cache(a69-174-50-208)" },
		{ "X-Cache: TCP_MISS from a1-2.deploy.akamaitechnologies.com (AkamaiGHost/1) (-)\n"
		  "X-Cache-Remote: TCP_HIT from a3-4.deploy.akamaitechnologies.com (AkamaiGHost/1) (-)",
			"a1-2.deploy.akama:miss a3-4.deploy.akama:hit", "from-cache(a3-4.deploy.akamaitechn)" },
		{ "X-Cache-Key: /L/1758/81636/2m/a.test/\nX-Check-Cacheable: YES", "", "unknown" },
		{ "X-Cache: TCP_REFRESH_HIT from a (b)", "a:revalidated", "revalidated" },
		{ "X-Cache: TCP_REFRESH_MISS from a (b)", "a:miss", "fresh" },
		{ "X-Cache: TCP_REFRESH_FAIL_HIT from a (b)", "a:stale", "stale(a)" },
		{ "X-Cache: TCP_IMS_HIT from a (b)", "a:hit", "from-cache(a)" },
		{ "X-Cache: TCP_NEGATIVE_HIT from a (b)", "a:hit", "from-cache(a)" },
		{ "Akamai-Cache-Status: Hit from child", "akamai:hit", "from-cache(akamai)" },
		{ "Akamai-Cache-Status: Miss from child, Hit from parent", "akamai:miss akamai-parent:hit",
			"from-cache(akamai-parent)" },
		{ "Akamai-Cache-Status: HitStale from child", "akamai:stale", "stale(akamai)" },
		{ "Akamai-Cache-Status: RefreshHit from child, NotCacheable from parent",
			"akamai:revalidated akamai-parent:pass", "revalidated" },
		{ "Akamai-Cache-Status: Constructed from child", "akamai:unknown", "unknown" },
		{ "Server-Timing: cdn-cache; desc=HIT, edge; dur=1", "cdn-cache:hit", "from-cache(cdn-cache)" },
		{ "Server-Timing: cdn-cache; desc=MISS, edge; dur=10, origin; dur=96", "cdn-cache:miss", "fresh" },
	);
}

static void test_cloudfront_and_azure_and_google(void **state)
{
	CHECK(
		{ "X-Cache: Hit from cloudfront\nAge: 7\nVia: 1.1 0a.cloudfront.net (CloudFront)", "cloudfront:hit:7s",
			"from-cache(cloudfront, 7 s)" },
		{ "X-Cache: RefreshHit from cloudfront", "cloudfront:revalidated", "revalidated" },
		{ "X-Cache: Miss from cloudfront", "cloudfront:miss", "fresh" },
		{ "X-Cache: Error from cloudfront", "cloudfront:unknown", "unknown" },
		{ "X-Cache: TCP_HIT\nX-Azure-Ref: 0", "x-cache:hit", "from-cache(x-cache)" },
		{ "X-Cache: TCP_REMOTE_HIT", "x-cache:hit", "from-cache(x-cache)" },
		{ "X-Cache: TCP_MISS", "x-cache:miss", "fresh" },
		{ "X-Cache: PRIVATE_NOSTORE", "x-cache:pass", "fresh" },
		{ "X-Cache: CONFIG_NOCACHE", "x-cache:pass", "fresh" },
		{ "X-Cache: N/A", "x-cache:unknown", "unknown" },
		{ "Via: 1.1 google\nAge: 86", "google:hit:86s?", "from-cache(google, 86 s)" },
		{ "X-Cache-Status: uncacheable\nVia: 1.1 google", "x-cache-status:pass?", "fresh" },
		{ "X-Cache-Status: disabled", "x-cache-status:pass?", "fresh" },
	);
}

static void test_other_networks(void **state)
{
	CHECK(
		{ "X-Vercel-Cache: HIT\nAge: 3", "vercel:hit:3s", "from-cache(vercel, 3 s)" },
		{ "X-Vercel-Cache: PRERENDER", "vercel:hit", "from-cache(vercel)" },
		{ "X-Vercel-Cache: STALE\nx-nextjs-cache: MISS", "vercel:stale next:miss", "stale(vercel)" },
		{ "X-Vercel-Cache: MISS\nx-nextjs-cache: STALE", "vercel:miss next:stale", "stale(next)" },
		{ "CDN-Cache: HIT\nCDN-CachedAt: 11/22/2026 11:00:00", "bunny:hit?", "from-cache(bunny)" },
		{ "CDN-Cache: EXPIRED", "bunny:miss?", "fresh" },
		{ "Server: keycdn\nX-Cache: EXPIRED\nX-Edge-Location: defr", "x-cache:miss", "fresh" },
		{ "X-Cache: REVALIDATED", "x-cache:revalidated", "revalidated" },
		{ "X-Cache: HIT TCP_MEM_HIT dirn:20:727080716\nX-Swift-CacheTime: 31535998", "x-cache:hit",
			"from-cache(x-cache)" },
		{ "X-Cache: MISS TCP_MISS dirn:-2:-2", "x-cache:miss", "fresh" },
		{ "X-Cache-Lookup: Cache Hit\nAge: 1967830", "x-cache-lookup:hit:1967830s",
			"from-cache(x-cache-lookup, 1967830 s)" },
		{ "X-Cache-Lookup: Cache Miss\nX-Cache-Lookup: Hit From Disktank", "x-cache-lookup:hit x-cache-lookup:miss",
			"from-cache(x-cache-lookup)" },
		{ "x-hcs-proxy-type: 1", "huawei:hit", "from-cache(huawei)" },
		{ "x-hcs-proxy-type: 0", "huawei:miss", "fresh" },
		{ "X-Sucuri-Cache: HIT", "sucuri:hit?", "from-cache(sucuri)" },
		{ "X-Cache: TCP_EXPIRED_HIT", "x-cache:revalidated", "revalidated" },
	);
}

static void test_servers(void **state)
{
	CHECK(
		{ "X-Varnish: 32770 3\nAge: 5\nVia: 1.1 debian (Varnish/7.1)", "varnish:hit:5s", "from-cache(varnish, 5 s)" },
		{ "X-Varnish: 32770\nAge: 0\nVia: 1.1 debian (Varnish/7.1)", "varnish:miss", "fresh" },
		{ "X-Varnish: 5, 9 3", "varnish:hit varnish:miss", "from-cache(varnish)" },
		{ "X-Varnish: 5 x", "varnish:unknown", "unknown" },
		{ "X-Varnish: -5", "varnish:unknown", "unknown" },
		{ "X-Cache: HIT from squid1\nX-Cache-Lookup: HIT from squid1:3128\nVia: 1.1 squid1 (squid/5.7)",
			"squid1:hit", "from-cache(squid1)" },
		{ "X-Cache: MISS from a\nX-Cache-Lookup: HIT from a:3128\nX-Cache: HIT from b\nX-Cache-Lookup: HIT from b:1",
			"b:hit a:miss", "from-cache(b)" },
		{ "X-Cache: MISS from squid1\nX-Cache-Lookup: MISS from squid1:3128", "squid1:miss", "fresh" },
		{ "X-Cache: REVALIDATE from web.example", "web.example:revalidated", "revalidated" },
		{ "Via: http/1.1 ats (ApacheTrafficServer/9.2.3 [cHs f ])", "ats:hit", "from-cache(ats)" },
		{ "Via: http/1.1 ats (ApacheTrafficServer/9.2.3 [cMsSfW])", "ats:miss", "fresh" },
		{ "Via: http/1.1 ats (ApacheTrafficServer/9.2.3 [cSsNfU])", "ats:revalidated", "revalidated" },
		{ "Via: http/1.1 ats (ApacheTrafficServer/9.2.3 [uScSsEf p eC:t cCSi p sF])", "ats:unknown", "unknown" },
		{ "Via: http/1.1 a (x [uScMsSf pSeN:t cCMp sS]), http/1.1 b (x [uScRs f p eN:t cCHp s ])",
			"b:hit a:miss", "from-cache(b)" },
		{ "X-Cache: hit-fresh", "x-cache:hit", "from-cache(x-cache)" },
		{ "X-Cache: hit-stale", "x-cache:unknown", "unknown" },
		{ "X-Cache-Status: HIT", "x-cache-status:hit?", "from-cache(x-cache-status)" },
		{ "X-Cache-Status: STALE", "x-cache-status:stale?", "stale(x-cache-status)" },
		{ "X-Proxy-Cache: BYPASS", "x-proxy-cache:pass?", "fresh" },
		{ "X-FastCGI-Cache: UPDATING", "fastcgi:stale?", "stale(fastcgi)" },
		{ "X-Kinsta-Cache: BYPASS", "kinsta:pass", "fresh" },
		{ "X-LiteSpeed-Cache: hit,private", "litespeed:hit", "from-cache(litespeed)" },
		{ "X-LiteSpeed-Cache: hit,litemage\nX-QC-Cache: miss", "quic.cloud:miss litespeed:hit",
			"from-cache(litespeed)" },
		{ "X-LSADC-Cache: miss", "litespeed-adc:miss", "fresh" },
	);
}

static void test_applications(void **state)
{
	CHECK(
		{ "X-Drupal-Cache: HIT\nX-Drupal-Dynamic-Cache: MISS", "drupal:hit drupal-dynamic:miss",
			"from-cache(drupal)" },
		{ "X-Drupal-Cache: UNCACHEABLE (request policy)\nX-Drupal-Dynamic-Cache: UNCACHEABLE",
			"drupal:pass drupal-dynamic:pass", "fresh" },
		{ "X-Magento-Cache-Debug: HIT\nX-Varnish: 5 3", "varnish:hit magento:hit", "from-cache(varnish)" },
		{ "X-Magento-Cache-Debug: UNCACHEABLE", "magento:pass", "fresh" },
		{ "X-Symfony-Cache: GET /fresh/miss: stale, valid, store; GET /part: fresh", "symfony:revalidated",
			"revalidated" },
		{ "X-Symfony-Cache: stale/invalid/store", "symfony:miss", "fresh" },
		{ "X-Symfony-Cache: GET /: fresh", "symfony:hit", "from-cache(symfony)" },
		{ "X-Symfony-Cache: stale/stale-while-revalidate", "symfony:stale", "stale(symfony)" },
		{ "X-Symfony-Cache: stale", "symfony:unknown", "unknown" },
		{ "X-Rack-Cache: miss, store", "rack-cache:miss", "fresh" },
		{ "X-Rack-Cache: invalidate, pass", "rack-cache:pass", "fresh" },
	);
}

static void test_chains_of_vendors_are_put_in_order(void **state)
{
	CHECK(
		{ "X-Drupal-Cache: MISS\nX-Varnish: 9\nX-Cache: MISS\nCF-Cache-Status: MISS\n" DATE_NOW,
			"cloudflare:miss x-cache:miss varnish:miss drupal:miss", "fresh" },
		{ "X-Drupal-Cache: MISS\nX-Varnish: 9 4\nCF-Cache-Status: DYNAMIC\nAge: 60\nCache-Control: max-age=10",
			"cloudflare:pass varnish:hit:60s drupal:miss", "stale(varnish, 50 s)" },
	);
}

static void test_hostile_values_say_nothing_wrong(void **state)
{
	CHECK(
		{ "CF-Cache-Status:", "", "unknown" },
		{ "CF-Cache-Status: hits", "cloudflare:unknown", "unknown" },
		{ "CF-Cache-Status: \"HIT\"", "cloudflare:unknown", "unknown" },
		{ "CF-Cache-Status: HIT\x01", "cloudflare:hit", "from-cache(cloudflare)" },
		{ "X-Cache: ,,,", "", "unknown" },
		{ "X-Cache: HIT from \"a\\,b", "?a??b:hit", "from-cache(?a??b)" },
		{ "X-Served-By: a, b\nX-Served-By: c\nX-Cache: HIT", "x-cache:hit", "from-cache(x-cache)" },
		{ "Fastly-Debug-TTL: ((((", "fastly:unknown", "unknown" },
		{ "Fastly-Debug-TTL: )", "fastly:unknown", "unknown" },
		{ "Fastly-Debug-TTL: (H x 99999999999999999999 - -99999999999999999999)", "x:hit", "from-cache(x)" },
		{ "X-Symfony-Cache: : :;", "symfony:unknown", "unknown" },
		{ "Via: [c", "", "unknown" },
		{ "Via: [cHs", "", "unknown" },
		{ "Server-Timing: cdn-cache; desc=\"HI", "cdn-cache:unknown", "unknown" },
	);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_standard_members_run_from_the_client_to_the_origin),
		cmocka_unit_test(test_cloudflare),
		cmocka_unit_test(test_fastly),
		cmocka_unit_test(test_akamai),
		cmocka_unit_test(test_cloudfront_and_azure_and_google),
		cmocka_unit_test(test_other_networks),
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_applications),
		cmocka_unit_test(test_chains_of_vendors_are_put_in_order),
		cmocka_unit_test(test_hostile_values_say_nothing_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
