-- A shop with one or two of each kind of object, on MariaDB and MySQL alike.
CREATE TABLE goods (
  id int AUTO_INCREMENT PRIMARY KEY,
  name varchar(40) CHARACTER SET latin1 NOT NULL,
  price decimal(10, 2) DEFAULT 1.00,
  note varchar(20) COMMENT 'for people',
  picture blob,
  mood enum('calm', 'busy') DEFAULT 'calm',
  label varchar(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  code int,
  twice int AS (code * 2) STORED,
  changed timestamp(3) NULL,
  CONSTRAINT code_once UNIQUE (code),
  CONSTRAINT code_sane CHECK (code > 0)
) COMMENT 'what we sell';
INSERT INTO goods (name, price, note, picture, label, code) VALUES
  ('hat', 10, NULL, 0x00ff10, 'A', 1), ('Mütze', 99.5, '', '', 'B', 2), ('scarf', 5, 'wool', NULL, NULL, NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, good int, number int, made date DEFAULT '2026-01-01', KEY orders_number (number), CONSTRAINT of_good FOREIGN KEY (good) REFERENCES goods (id));
INSERT INTO orders (id, good, number) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i, 1 + i % 3, i FROM n;
CREATE TABLE pairs (a int);
INSERT INTO pairs VALUES (1), (2);
CREATE TABLE void (i int);
CREATE TABLE logs (year int, line text) PARTITION BY RANGE (year) (PARTITION p2025 VALUES LESS THAN (2026), PARTITION p2026 VALUES LESS THAN (2027));
INSERT INTO logs VALUES (2025, 'old'), (2026, 'new');

CREATE VIEW cheap AS SELECT id, name FROM goods WHERE price < 6;
CREATE DEFINER = clerk@localhost SQL SECURITY DEFINER VIEW clerks AS SELECT id FROM orders;
CREATE FUNCTION twice(i int) RETURNS int DETERMINISTIC RETURN i * 2;
CREATE PROCEDURE tidy() DELETE FROM void;
CREATE TRIGGER touched BEFORE UPDATE ON goods FOR EACH ROW SET new.changed = '2026-01-01';
CREATE TRIGGER touched_again BEFORE UPDATE ON goods FOR EACH ROW SET new.note = new.note;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO DELETE FROM logs;
