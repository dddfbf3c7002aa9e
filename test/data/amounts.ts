/** How many rows the store has of each. */
export type Amounts = {
  products: number;
  variants: number;
  customers: number;
  addresses: number;
  orders: number;
  reviews: number;
  pageViews: number;
  sentences: number;
};

const variantsPerProduct = 8;

/** Orders in a megabyte of a plain dump: measured, for rows are wider in the text that mariadb-dump prints. */
export const ordersPerMegabyte = { postgres: 920, mariadb: 765 } as const;

/** Amounts for so many orders. Nearly half of a dump is page views: a real shop's log is its largest table too. */
export function amountsFor(orders: number): Amounts {
  const products = Math.max(60, Math.round(Math.sqrt(orders) * 8));
  const customers = Math.round(orders / 2.5);
  return {
    products,
    variants: products * variantsPerProduct,
    customers,
    addresses: Math.round(customers * 1.2),
    orders,
    reviews: Math.round(orders / 3),
    pageViews: orders * 3,
    sentences: 20_000,
  };
}
