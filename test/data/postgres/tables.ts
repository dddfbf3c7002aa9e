/** What stands before the first table. */
export const preamble = `
  create schema web;
  create type order_status as enum ('open', 'paid', 'shipped', 'delivered', 'returned', 'cancelled');
  create domain money_amount as numeric(10, 2) check (value >= 0);
  create sequence invoice_numbers start 100000 increment 1;
`;

/** The definition of each table; what can wait for the rows (keys, indexes) is made after them. */
export const tables = {
  departments: 'id int not null, name text not null, parent_id int, path text not null',
  products: `
    id bigint not null, sku text not null, name text not null, department_id int not null, description text not null, material text not null,
    attributes jsonb not null, token uuid not null, photo bytea, created_at timestamptz not null, discontinued_on date`,
  variants: `
    id bigint not null, product_id bigint not null, size text not null, colour text not null, ean char(13) not null, price money_amount not null,
    price_incl_vat numeric(10, 2) generated always as (round(price * 1.21, 2)) stored`,
  stock:
    'variant_id bigint not null, warehouse char(3) not null, quantity int not null, reserved int not null default 0, counted_at timestamptz',
  customers: `
    id bigint not null, first_name text not null, last_name text not null, email text not null, phone text, born date, password_hash text not null,
    newsletter boolean not null, interests text[] not null, created_at timestamptz not null, note text`,
  addresses: `
    id bigint not null, customer_id bigint not null, street text not null, house_number text not null, postcode text not null, city text not null,
    country char(2) not null, delivery_note text`,
  orders: `
    id bigint not null, customer_id bigint not null, address_id bigint not null, status order_status not null, placed_at timestamptz not null,
    shipped_at timestamptz, invoice bigint, voucher text, gift_message text`,
  order_lines:
    'order_id bigint not null, line smallint not null, variant_id bigint not null, quantity smallint not null, unit_price money_amount not null, discount numeric(4, 3)',
  payments: `
    id bigint not null, order_id bigint not null, method text not null, amount money_amount not null, gateway_reference text not null,
    paid_at timestamptz, answer jsonb`,
  returns:
    'order_id bigint not null, line smallint not null, reason text not null, refunded money_amount, received_at timestamptz not null',
  reviews: `
    id bigint not null, product_id bigint not null, customer_id bigint not null, stars smallint not null, title text, body text not null,
    helpful int not null, written_at timestamptz not null`,
  'web.page_views': `
    id bigint not null, session uuid not null, customer_id bigint, seen_at timestamptz not null, path text not null, referrer text, took_ms real not null,
    address inet not null, device jsonb not null`,
  price_changes:
    'id bigint generated always as identity, variant_id bigint not null, before money_amount, after money_amount, changed_at timestamptz not null',
} as const;

export type TableName = keyof typeof tables;

/** Keys and indexes, by table. */
export const indexes: Partial<Record<TableName, readonly string[]>> = {
  departments: ['alter table departments add primary key (id)'],
  products: [
    'alter table products add primary key (id), add unique (sku)',
    'create index on products using gin (attributes)',
  ],
  variants: ['alter table variants add primary key (id), add unique (ean)', 'create index on variants (product_id)'],
  stock: [
    'alter table stock add primary key (variant_id, warehouse)',
    'create index low_stock on stock (warehouse) where quantity < 3',
  ],
  customers: ['alter table customers add primary key (id)', 'create unique index on customers (lower(email))'],
  addresses: ['alter table addresses add primary key (id)', 'create index on addresses (customer_id)'],
  orders: ['alter table orders add primary key (id)', 'create index on orders (customer_id, placed_at desc)'],
  order_lines: ['alter table order_lines add primary key (order_id, line)'],
  payments: [
    'alter table payments add primary key (id), add unique (gateway_reference)',
    'create index on payments (order_id)',
  ],
  returns: ['alter table returns add primary key (order_id, line)'],
  reviews: ['alter table reviews add primary key (id)', 'create index on reviews (product_id)'],
  'web.page_views': [
    'alter table web.page_views add primary key (id)',
    'create index on web.page_views using brin (seen_at)',
  ],
  price_changes: ['alter table price_changes add primary key (id)'],
};

/** What ties the tables together, and what the shop computes with them. */
export const relations = [
  'alter table departments add foreign key (parent_id) references departments deferrable initially deferred',
  'alter table products add foreign key (department_id) references departments',
  "alter table variants add foreign key (product_id) references products on delete cascade, add check (size <> '')",
  'alter table stock add foreign key (variant_id) references variants on delete cascade',
  'alter table addresses add foreign key (customer_id) references customers on delete cascade',
  'alter table orders add foreign key (customer_id) references customers, add foreign key (address_id) references addresses',
  'alter table order_lines add foreign key (order_id) references orders on delete cascade, add foreign key (variant_id) references variants',
  'alter table payments add foreign key (order_id) references orders',
  'alter table returns add foreign key (order_id, line) references order_lines',
  'alter table reviews add foreign key (product_id) references products, add check (stars between 1 and 5)',
];
