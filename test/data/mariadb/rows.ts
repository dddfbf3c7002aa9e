import type { Amounts } from '../amounts.ts';
import * as words from '../words.ts';
import { oneOf, popular, sometimes, token, upTo } from './random.ts';
import type { TableName } from './tables.ts';

/** Moments grow with `n`, as in a table that was written over three years, with gaps of a random size. */
const moment = (count: number, seed: number) =>
  `timestampadd(microsecond, floor(n / ${count} * 9e13) + ${upTo(8.64e10, seed)}, '2023-01-01')`;
const from = (count: number) => `from (select seq as n from seq_1_to_${count}) s`;
const price = (of: string) => `(5 + ${upTo(29_500, 900, of)} / 100 - 0.05)`;
const uuid = (salt: string, of = 'n') =>
  `insert(insert(insert(insert(${token(salt, of)}, 21, 0, '-'), 17, 1, '-a'), 13, 1, '-4'), 9, 0, '-')`;

/** The statement that makes the rows of each table. `sentences` is a table of the session that runs it. */
export function rowsOf(amounts: Amounts): Partial<Record<TableName, string>> {
  const { products, variants, customers, addresses, orders, reviews, pageViews, sentences } = amounts;
  const sentence = (seed: number) => `(1 + ${upTo(sentences, seed)})`;
  const garment = (of: string) =>
    `concat(${oneOf(words.styles, 1, of)}, ' ', ${oneOf(words.materials, 2, of)}, ' ', ${oneOf(words.garments, 3, of)})`;
  return {
    departments: `select n, concat(${oneOf(words.departments, 10)}, ' ', n), nullif(n div 6, 0), concat('/', coalesce(concat(nullif(n div 6, 0), '/'), ''), n) ${from(60)}`,
    products: `
      select n, concat('NJ-', upper(left(${token('sku')}, 4)), '-', n), ${garment('n')}, 1 + ${upTo(60, 11)}, concat(a.text, ' ', b.text), ${oneOf(words.materials, 2)},
        json_object('care', ${upTo(4, 12)} * 10 + 30, 'dry', ${oneOf(['tumble dry', 'line dry', 'dry clean'], 13)}, 'season', ${oneOf(['SS25', 'AW25', 'SS26', 'AW26'], 14)},
          'origin', ${oneOf(words.countries, 15)}, 'weight', ${upTo(900, 16)} + 80), ${uuid('product')}, ${sometimes(20, 18, `unhex(concat(${token('a')}, ${token('b')}, ${token('c')}))`)},
        ${moment(products, 19)}, ${sometimes(8, 20, `timestampadd(day, n % 300, '2026-01-01')`)}
      ${from(products)} join sentences a on a.id = ${sentence(21)} join sentences b on b.id = ${sentence(22)}`,
    variants: `select n, 1 + (n - 1) div 8, ${oneOf(words.sizes, 30)}, ${oneOf(words.colours, 31)}, 8710000000000 + n * 7, ${price('n')} ${from(variants)}`,
    stock: `
      select n, warehouse, ${upTo(60, 40)}, ${upTo(4, 41)}, ${sometimes(90, 42, moment(variants, 43))}
      ${from(variants)} cross join (select 'AMS' as warehouse union all select 'LEJ' union all select 'MXP') w`,
    customers: `
      select n, first, last, concat(lower(replace(replace(concat(first, '.', last), ' ', ''), '''', '')), n, '@', ${oneOf(['example.com', 'example.org', 'mail.example', 'post.example.nl'], 50)}),
        ${sometimes(60, 51, `concat('+31 6 ', lpad(${upTo(1e8, 52)}, 8, '0'))`)}, ${sometimes(70, 53, `timestampadd(day, ${upTo(23_000, 54)}, '1945-01-01')`)},
        concat('$2b$12$', to_base64(unhex(concat(${token('pw')}, ${token('salt')})))), ${upTo(3, 55)} = 0, ${upTo(32, 56)}, ${moment(customers, 60)},
        ${sometimes(4, 61, `concat('called about ', ${oneOf(words.garments, 62)}, '\\nsend a new one\\t(\\\\o/)')`)}
      from (select n, ${oneOf(words.firstNames, 63)} as first, ${oneOf(words.lastNames, 64)} as last ${from(customers)}) c`,
    addresses: `
      select n, if(n <= ${customers}, n, ${popular(customers, 70)}), ${oneOf(words.streets, 71)}, concat(1 + ${upTo(240, 72)}, ${oneOf(['', '', '', 'a', 'bis', '-II'], 73)}),
        concat(1000 + ${upTo(8999, 74)}, ' ', upper(left(${token('zip')}, 2))), ${oneOf(words.cities, 75)}, ${oneOf(words.countries, 76)},
        ${sometimes(7, 77, oneOf(['leave with the neighbours', 'ring twice', 'dog!', ''], 78))}
      ${from(addresses)}`,
    orders: `
      select n, customer, customer, 1 + ${upTo(6, 80)}, placed, ${sometimes(88, 81, `timestampadd(second, ${upTo(400_000, 82)}, placed)`)}, ${sometimes(90, 83, '100000 + n')},
        ${sometimes(12, 84, `upper(left(${token('voucher')}, 8))`)}, ${sometimes(3, 85, `concat('Happy birthday, ', ${oneOf(words.firstNames, 86)}, '! 🎁')`)}
      from (select n, ${popular(customers, 87)} as customer, ${moment(orders, 88)} as placed ${from(orders)}) o`,
    order_lines: `
      select n, line, variant, 1 + (${upTo(12, 90)} = 0), ${price('variant')}, ${sometimes(20, 91, `${upTo(40, 92)} / 100`)}
      from (select n, line, ${popular(variants, 93, '(n * 8 + line)')} as variant ${from(orders)} join (select seq as line from seq_1_to_4) k on line <= 1 + ${upTo(4, 94)}) l`,
    payments: `
      select n, n, method, 10 + ${upTo(60_000, 100)} / 100, concat('pay_', ${token('pay')}), unhex(${token('card')}), ${sometimes(96, 101, moment(orders, 102))},
        if(method = 'invoice', null, json_object('code', ${oneOf(['00', '00', '00', '05', '51'], 103)}, 'risk', ${upTo(100, 104)}, 'last4', lpad(${upTo(10_000, 105)}, 4, '0')))
      from (select n, ${oneOf(['ideal', 'card', 'card', 'paypal', 'invoice', 'klarna'], 106)} as method ${from(orders)}) p`,
    returns: `
      select n, 1, ${oneOf(['too small', 'too large', 'not as pictured', 'damaged', "didn't like it", ''], 110)}, ${sometimes(85, 111, `${upTo(20_000, 112)} / 100`)}, ${moment(orders, 113)}
      ${from(orders)} where ${upTo(9, 114)} = 0`,
    reviews: `
      select n, ${popular(products, 120)}, ${popular(customers, 121)}, 5 - ${upTo(100, 122)} * ${upTo(100, 123)} div 2500, ${sometimes(70, 124, `concat(${oneOf(words.adjectives, 125)}, ' ', ${oneOf(words.garments, 126)})`)},
        concat_ws(' ', a.text, b.text, ${sometimes(50, 127, 'c.text')}, ${sometimes(33, 128, `concat('\\n', a.text)`)}), ${upTo(50, 129)} div (1 + ${upTo(9, 130)}), ${moment(reviews, 131)}
      ${from(reviews)} join sentences a on a.id = ${sentence(132)} join sentences b on b.id = ${sentence(133)} join sentences c on c.id = ${sentence(134)}`,
    page_views: `
      select n, ${uuid('s', 'visit')}, ${sometimes(30, 140, popular(customers, 141, 'visit'), 'visit')}, ${moment(pageViews, 142)},
        case ${upTo(5, 143)} when 0 then '/' when 1 then concat('/search?q=', replace(${oneOf(words.garments, 144)}, ' ', '+'), '&page=', ${upTo(9, 145)})
          else concat('/products/', product, '/', replace(${garment('product')}, ' ', '-')) end,
        ${sometimes(35, 146, `concat('https://', ${oneOf(words.referrers, 147, 'visit')}, '/')`)}, ${upTo(90_000, 148)} / 7e0,
        concat('::ffff:10.', ${upTo(256, 149, 'visit')}, '.', ${upTo(256, 150, 'visit')}, '.', ${upTo(256, 151, 'visit')}),
        json_object('browser', concat(${oneOf(words.browsers, 152, 'visit')}, ' ', 100 + ${upTo(40, 153, 'visit')}), 'width', 320 + ${upTo(40, 154, 'visit')} * 40, 'touch', ${upTo(2, 155, 'visit')} = 0)
      from (select n, n div 5 as visit, ${popular(products, 156)} as product ${from(pageViews)}) v`,
  };
}

/** A temporary table of sentences, put together at random: as rich as text that people write, and quick to look up. */
export function sentencesTable({ sentences }: Amounts): string[] {
  const parts = [words.openings, words.subjects, words.verbs, words.adjectives, words.endings].map((choice, index) =>
    oneOf(choice, 200 + index),
  );
  return [
    'create temporary table sentences (id int primary key, text varchar(250) not null)',
    `insert into sentences select n, concat(${parts[0]}, ', ', concat_ws(' ', ${parts.slice(1).join(', ')})) ${from(sentences)}`,
  ];
}
