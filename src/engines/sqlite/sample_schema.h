#pragma once

namespace athena::sqlite {

/// The tables of the sample database.
inline constexpr const char* kSampleSchema = R"sql(
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  phone TEXT,
  city TEXT NOT NULL,
  country TEXT NOT NULL,
  vip BOOLEAN NOT NULL DEFAULT 0,
  credit_limit DECIMAL(10,2),
  preferences JSON,
  created_at TIMESTAMP NOT NULL
);
CREATE INDEX customers_country_city ON customers (country, city);

CREATE TABLE categories (
  id INTEGER PRIMARY KEY,
  parent_id INTEGER REFERENCES categories (id),
  name TEXT NOT NULL UNIQUE,
  description TEXT
);

CREATE TABLE suppliers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  country TEXT NOT NULL,
  contact_email TEXT NOT NULL,
  rating REAL CHECK (rating BETWEEN 0 AND 5)
);

CREATE TABLE products (
  id INTEGER PRIMARY KEY,
  sku TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  category_id INTEGER NOT NULL REFERENCES categories (id),
  supplier_id INTEGER NOT NULL REFERENCES suppliers (id),
  price DECIMAL(10,2) NOT NULL CHECK (price >= 0),
  weight_kg REAL,
  discontinued BOOLEAN NOT NULL DEFAULT 0,
  attributes JSON,
  released_on DATE
);
CREATE INDEX products_category ON products (category_id);

CREATE TABLE warehouses (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  city TEXT NOT NULL,
  country TEXT NOT NULL
);

CREATE TABLE inventory (
  warehouse_id INTEGER NOT NULL REFERENCES warehouses (id),
  product_id INTEGER NOT NULL REFERENCES products (id),
  quantity INTEGER NOT NULL CHECK (quantity >= 0),
  reorder_level INTEGER NOT NULL DEFAULT 10,
  updated_at TIMESTAMP NOT NULL,
  PRIMARY KEY (warehouse_id, product_id)
) WITHOUT ROWID;

CREATE TABLE employees (
  id INTEGER PRIMARY KEY,
  manager_id INTEGER REFERENCES employees (id),
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  salary DECIMAL(10,2) NOT NULL,
  hired_on DATE NOT NULL,
  active BOOLEAN NOT NULL DEFAULT 1
);

CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  order_number TEXT NOT NULL UNIQUE,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  employee_id INTEGER REFERENCES employees (id),
  status TEXT NOT NULL CHECK (status IN ('new', 'paid', 'shipped', 'delivered', 'cancelled')),
  ordered_at TIMESTAMP NOT NULL,
  total DECIMAL(12,2) NOT NULL,
  gift BOOLEAN NOT NULL DEFAULT 0,
  note TEXT
);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_ordered_at ON orders (ordered_at);

CREATE TABLE order_items (
  id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  product_id INTEGER NOT NULL REFERENCES products (id),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  unit_price DECIMAL(10,2) NOT NULL,
  discount REAL NOT NULL DEFAULT 0,
  line_total DECIMAL(12,2) GENERATED ALWAYS AS (round(quantity * unit_price * (1 - discount), 2)) VIRTUAL
);
CREATE INDEX order_items_order ON order_items (order_id);
CREATE INDEX order_items_product ON order_items (product_id);

CREATE TABLE payments (
  id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  method TEXT NOT NULL,
  amount DECIMAL(12,2) NOT NULL,
  paid_at TIMESTAMP NOT NULL,
  succeeded BOOLEAN NOT NULL,
  details JSON
);
CREATE INDEX payments_order ON payments (order_id);

CREATE TABLE shipments (
  id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  warehouse_id INTEGER NOT NULL REFERENCES warehouses (id),
  carrier TEXT NOT NULL,
  tracking_number TEXT NOT NULL UNIQUE,
  shipped_at TIMESTAMP NOT NULL,
  delivered_at TIMESTAMP
);
CREATE INDEX shipments_order ON shipments (order_id);

CREATE TABLE reviews (
  id INTEGER PRIMARY KEY,
  product_id INTEGER NOT NULL REFERENCES products (id) ON DELETE CASCADE,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  rating INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 5),
  title TEXT NOT NULL,
  body TEXT,
  verified BOOLEAN NOT NULL DEFAULT 0,
  created_at TIMESTAMP NOT NULL
);
CREATE INDEX reviews_product ON reviews (product_id);

CREATE VIEW customer_totals AS
  SELECT c.id AS customer_id, c.first_name, c.last_name, count(o.id) AS orders, round(coalesce(sum(o.total), 0), 2) AS total
  FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id;
)sql";

}  // namespace athena::sqlite
