import type { Amounts } from '../amounts.ts';
import * as words from '../words.ts';
import { oneOf, popular, sometimes, token, upTo } from './random.ts';
import type { TableName } from './tables.ts';

const firstDay = `timestamptz '2023-01-01 00:00+00'`;
/** Moments grow with `n`, as in a table that was written over three years, with gaps of a random size. */
const moment = (count: number, seed: number) =>
  `${firstDay} + (n::float8 / ${count} * 1051 + ${upTo(86_400, seed)} / 86400.0) * interval '1 day'`;
const from = (count: number) => `from generate_series(1::bigint, ${count}) n`;
const price = (of: string) => `(5 + ${upTo(29_500, 900, of)} / 100.0 - 0.05)::numeric(10, 2)`;

/** The statement that makes the rows of each table. `sentences` is a table of the session that runs it. */
export function rowsOf(amounts: Amounts): Partial<Record<TableName, string>> {
  const { products, variants, customers, addresses, orders, reviews, pageViews, sentences } = amounts;
  const sentence = (seed: number) => `(1 + ${upTo(sentences, seed)})`;
  const garment = (of: string) =>
    `${oneOf(words.styles, 1, of)} || ' ' || ${oneOf(words.materials, 2, of)} || ' ' || ${oneOf(words.garments, 3, of)}`;
  const variantOf = (of: string, seed: number) => popular(variants, seed, of);
  return {
    departments: `select n, ${oneOf(words.departments, 10)} || ' ' || n, nullif(n / 6, 0), '/' || coalesce(nullif(n / 6, 0) || '/', '') || n from generate_series(1::bigint, 60) n`,
    products: `
      select n, 'NJ-' || upper(left(${token('sku')}, 4)) || '-' || n, ${garment('n')}, 1 + ${upTo(60, 11)}, a.text || ' ' || b.text, ${oneOf(words.materials, 2)},
        jsonb_build_object('care', jsonb_build_array(${upTo(4, 12)} * 10 + 30, ${oneOf(['tumble dry', 'line dry', 'dry clean'], 13)}), 'season', ${oneOf(['SS25', 'AW25', 'SS26', 'AW26'], 14)},
          'origin', ${oneOf(words.countries, 15)}, 'weight', ${upTo(900, 16)} + 80, 'vegan', ${upTo(2, 17)} = 1),
        ${token('product')}::uuid, ${sometimes(20, 18, `decode(${token('a')} || ${token('b')} || ${token('c')}, 'hex')`)}, ${moment(products, 19)}, ${sometimes(8, 20, `date '2026-01-01' + (n % 300)::int`)}
      ${from(products)} join sentences a on a.id = ${sentence(21)} join sentences b on b.id = ${sentence(22)}`,
    variants: `
      select n, 1 + (n - 1) / 8, ${oneOf(words.sizes, 30)}, ${oneOf(words.colours, 31)}, lpad((8710000000000 + n * 7)::text, 13, '0'), ${price('n')}
      ${from(variants)}`,
    stock: `
      select n, warehouse, ${upTo(60, 40)}, ${upTo(4, 41)}, ${sometimes(90, 42, moment(variants, 43))}
      ${from(variants)} cross join (values ('AMS'), ('LEJ'), ('MXP')) w (warehouse)`,
    customers: `
      select n, first, last, lower(translate(first || '.' || last, ' ''', '')) || n || '@' || ${oneOf(['example.com', 'example.org', 'mail.example', 'post.example.nl'], 50)},
        ${sometimes(60, 51, `'+31 6 ' || lpad(${upTo(100_000_000, 52)}::text, 8, '0')`)}, ${sometimes(70, 53, `date '1945-01-01' + ${upTo(23_000, 54)}::int`)},
        '$2b$12$' || encode(decode(${token('pw')} || ${token('salt')}, 'hex'), 'base64'), ${upTo(3, 55)} = 0,
        case ${upTo(3, 56)} when 0 then '{}'::text[] when 1 then array[${oneOf(words.departments, 57)}] else array[${oneOf(words.garments, 58)}, ${oneOf(words.departments, 59)}] end,
        ${moment(customers, 60)}, ${sometimes(4, 61, `E'called about ' || ${oneOf(words.garments, 62)} || E'\\nsend a new one\\t(\\\\o/)'`)}
      from (select n, ${oneOf(words.firstNames, 63)} as first, ${oneOf(words.lastNames, 64)} as last ${from(customers)}) c`,
    addresses: `
      select n, case when n <= ${customers} then n else ${popular(customers, 70)} end, ${oneOf(words.streets, 71)}, (1 + ${upTo(240, 72)}) || ${oneOf(['', '', '', 'a', 'bis', '-II'], 73)},
        (1000 + ${upTo(8999, 74)}) || ' ' || upper(left(${token('zip')}, 2)), ${oneOf(words.cities, 75)}, ${oneOf(words.countries, 76)}, ${sometimes(7, 77, oneOf(['leave with the neighbours', 'ring twice', 'dog!', ''], 78))}
      ${from(addresses)}`,
    orders: `
      select n, customer, customer, ${oneOf(['open', 'paid', 'shipped', 'delivered', 'delivered', 'delivered', 'delivered', 'returned', 'cancelled'], 80)}::order_status, placed,
        ${sometimes(88, 81, `placed + ${upTo(400_000, 82)} * interval '1 second'`)}, ${sometimes(90, 83, '100000 + n')}, ${sometimes(12, 84, `upper(left(${token('voucher')}, 8))`)},
        ${sometimes(3, 85, `'Happy birthday, ' || ${oneOf(words.firstNames, 86)} || '! 🎁'`)}
      from (select n, ${popular(customers, 87)} as customer, ${moment(orders, 88)} as placed ${from(orders)}) o`,
    order_lines: `
      select n, line, variant, 1 + (${upTo(12, 90)} = 0)::int, ${price('variant')}, ${sometimes(20, 91, `${upTo(40, 92)} / 100.0`)}
      from (select n, line, ${variantOf('(n * 8 + line)', 93)} as variant ${from(orders)}, generate_series(1, 1 + ${upTo(4, 94)}) line) l`,
    payments: `
      select n, n, method, 10 + ${upTo(60_000, 100)} / 100.0, 'pay_' || ${token('pay')}, ${sometimes(96, 101, moment(orders, 102))},
        case method when 'invoice' then null else jsonb_build_object('code', ${oneOf(['00', '00', '00', '05', '51'], 103)}, 'risk', ${upTo(100, 104)}, 'last4', lpad(${upTo(10_000, 105)}::text, 4, '0')) end
      from (select n, ${oneOf(['ideal', 'card', 'card', 'paypal', 'invoice', 'klarna'], 106)} as method ${from(orders)}) p`,
    returns: `
      select n, 1, ${oneOf(['too small', 'too large', 'not as pictured', 'damaged', "didn't like it", ''], 110)}, ${sometimes(85, 111, `${upTo(20_000, 112)} / 100.0`)}, ${moment(orders, 113)}
      ${from(orders)} where ${upTo(9, 114)} = 0`,
    reviews: `
      select n, ${popular(products, 120)}, ${popular(customers, 121)}, 5 - ${upTo(100, 122)} * ${upTo(100, 123)} / 2500, ${sometimes(70, 124, `${oneOf(words.adjectives, 125)} || ' ' || ${oneOf(words.garments, 126)}`)},
        concat_ws(' ', a.text, b.text, case when ${upTo(2, 127)} = 0 then c.text end, case when ${upTo(3, 128)} = 0 then E'\\n' || a.text end), ${upTo(50, 129)} / (1 + ${upTo(9, 130)}), ${moment(reviews, 131)}
      ${from(reviews)} join sentences a on a.id = ${sentence(132)} join sentences b on b.id = ${sentence(133)} join sentences c on c.id = ${sentence(134)}`,
    'web.page_views': `
      select n, md5('s' || visit)::uuid, ${sometimes(30, 140, popular(customers, 141, 'visit'), 'visit')}, ${moment(pageViews, 142)},
        case ${upTo(5, 143)} when 0 then '/' when 1 then '/search?q=' || replace(${oneOf(words.garments, 144)}, ' ', '+') || '&page=' || ${upTo(9, 145)}
          else '/products/' || product || '/' || replace(${garment('product')}, ' ', '-') end,
        ${sometimes(35, 146, `'https://' || ${oneOf(words.referrers, 147, 'visit')} || '/'`)}, (${upTo(90_000, 148)} / 7.0)::real,
        ('10.' || ${upTo(256, 149, 'visit')} || '.' || ${upTo(256, 150, 'visit')} || '.' || ${upTo(256, 151, 'visit')})::inet,
        jsonb_build_object('browser', ${oneOf(words.browsers, 152, 'visit')} || ' ' || (100 + ${upTo(40, 153, 'visit')}), 'width', 320 + ${upTo(40, 154, 'visit')} * 40, 'touch', ${upTo(2, 155, 'visit')} = 0)
      from (select n, n / 5 as visit, ${popular(products, 156)} as product ${from(pageViews)}) v`,
  };
}

/** A temporary table of sentences, put together at random: as rich as text that people write, and quick to look up. */
export function sentencesTable({ sentences }: Amounts): string {
  const parts = [words.openings, words.subjects, words.verbs, words.adjectives, words.endings].map((choice, index) =>
    oneOf(choice, 200 + index),
  );
  return `create temporary table sentences as select n as id, ${parts.slice(0, 1)} || ', ' || ${parts.slice(1).join(` || ' ' || `)} as text ${from(sentences)}`;
}
