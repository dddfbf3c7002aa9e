/** The definition of each table, its primary key included: InnoDB keeps the rows in it. */
export const tables = {
  departments: 'id int primary key, name varchar(60) not null, parent_id int, path varchar(60) not null',
  products: `
    id bigint auto_increment primary key, sku varchar(30) not null, name varchar(120) not null, department_id int not null, description text not null, material varchar(40) not null,
    attributes json not null, token uuid not null, photo varbinary(200), created_at datetime(6) not null, discontinued_on date`,
  variants: `
    id bigint primary key, product_id bigint not null, size varchar(5) not null, colour varchar(20) not null, ean char(13) not null, price decimal(10, 2) not null check (price >= 0),
    price_incl_vat decimal(10, 2) generated always as (round(price * 1.21, 2)) virtual`,
  stock:
    'variant_id bigint not null, warehouse char(3) not null, quantity int not null, reserved int not null default 0, counted_at datetime, primary key (variant_id, warehouse)',
  customers: `
    id bigint auto_increment primary key, first_name varchar(60) not null, last_name varchar(60) not null, email varchar(160) not null, phone varchar(30), born date,
    password_hash varchar(100) not null, newsletter bit(1) not null, interests set('Women', 'Men', 'Kids', 'Sport', 'Shoes') not null, created_at datetime(6) not null, note text`,
  addresses: `
    id bigint auto_increment primary key, customer_id bigint not null, street varchar(80) not null, house_number varchar(10) not null, postcode varchar(12) not null,
    city varchar(60) not null, country char(2) not null, delivery_note varchar(200)`,
  orders: `
    id bigint auto_increment primary key, customer_id bigint not null, address_id bigint not null, status enum('open', 'paid', 'shipped', 'delivered', 'returned', 'cancelled') not null,
    placed_at timestamp(6) not null, shipped_at datetime(6), invoice bigint, voucher varchar(12), gift_message varchar(200)`,
  order_lines: `
    order_id bigint not null, line smallint not null, variant_id bigint not null, quantity smallint not null, unit_price decimal(10, 2) not null, discount decimal(4, 3),
    primary key (order_id, line)`,
  payments: `
    id bigint auto_increment primary key, order_id bigint not null, method varchar(12) not null, amount decimal(10, 2) not null, gateway_reference varchar(40) not null,
    fingerprint binary(16) not null, paid_at datetime(6), answer json`,
  returns:
    'order_id bigint not null, line smallint not null, reason varchar(60) not null, refunded decimal(10, 2), received_at datetime not null, primary key (order_id, line)',
  reviews: `
    id bigint auto_increment primary key, product_id bigint not null, customer_id bigint not null, stars tinyint not null, title varchar(120), body text not null,
    helpful int not null, written_at datetime not null`,
  page_views: `
    id bigint auto_increment primary key, session uuid not null, customer_id bigint, seen_at datetime(6) not null, path varchar(200) not null, referrer varchar(80), took_ms double not null,
    address inet6 not null, device json not null`,
  price_changes:
    'id bigint auto_increment primary key, variant_id bigint not null, `before` decimal(10, 2), `after` decimal(10, 2), changed_at datetime not null',
  bestsellers: 'product_id bigint primary key, sold int not null',
} as const;

export type TableName = keyof typeof tables;

/** Indexes, and what ties the tables together, by table. */
export const relations: readonly string[] = [
  'alter table departments add foreign key (parent_id) references departments (id)',
  'alter table products add unique (sku), add foreign key (department_id) references departments (id)',
  'alter table variants add unique (ean), add foreign key (product_id) references products (id) on delete cascade',
  'alter table stock add foreign key (variant_id) references variants (id) on delete cascade',
  'alter table customers add unique (email)',
  'alter table addresses add foreign key (customer_id) references customers (id) on delete cascade',
  'alter table orders add key (customer_id, placed_at desc), add foreign key (customer_id) references customers (id), add foreign key (address_id) references addresses (id)',
  'alter table order_lines add foreign key (order_id) references orders (id) on delete cascade, add foreign key (variant_id) references variants (id)',
  'alter table payments add unique (gateway_reference), add foreign key (order_id) references orders (id)',
  'alter table returns add foreign key (order_id, line) references order_lines (order_id, line)',
  'alter table reviews add constraint stars_range check (stars between 1 and 5), add foreign key (product_id) references products (id)',
  'alter table page_views add key (seen_at)',
];

/** Views, routines, triggers, counters, and what they leave behind when they are used for the first time. */
export const programs: readonly string[] = [
  'create sequence invoice_numbers start with 100000 increment by 1',
  "begin not atomic declare last bigint default (select 100000 + max(id) from orders); execute immediate concat('do setval(invoice_numbers, ', last, ')'); end",
  `create view order_totals as
     select o.id, o.customer_id, o.status, cast(sum(l.quantity * l.unit_price * (1 - coalesce(l.discount, 0))) as decimal(12, 2)) as total
     from orders o join order_lines l on l.order_id = o.id group by o.id`,
  'create function order_total(wanted bigint) returns decimal(12, 2) reads sql data return (select total from order_totals where id = wanted)',
  `create procedure refresh_bestsellers() modifies sql data
   begin
     -- "sold" of all time; a summary, so it's made anew
     delete from bestsellers;
     insert into bestsellers select v.product_id, sum(l.quantity) from order_lines l join variants v on v.id = l.variant_id group by v.product_id order by 2 desc limit 500;
   end`,
  'call refresh_bestsellers()',
  `create trigger note_price_change after update on variants for each row
   begin
     if old.price <> new.price then
       insert into price_changes (variant_id, \`before\`, \`after\`, changed_at) values (old.id, old.price, new.price, '2026-11-20 09:00:00');
     end if;
   end`,
  'update variants set price = price * 0.9 where id % 40 = 0',
  "create event refresh_every_night on schedule every 1 day starts '2030-01-01 03:00:00' disable do call refresh_bestsellers()",
];
