-- Every kind of object and value that a MariaDB backup must bring back (but no event with two semicolons in a row: mariadb-dump 11.8 hangs on it).
SET NAMES utf8mb4
;;
SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', foreign_key_checks = 0
;;
CREATE TABLE customer (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, favourite INT, secret INT INVISIBLE DEFAULT 7,
  CONSTRAINT `has at` CHECK (email LIKE '%@%'), CONSTRAINT likes FOREIGN KEY (favourite) REFERENCES product (id) ON DELETE SET NULL) AUTO_INCREMENT = 1000 COMMENT = 'who''s buying; "quoted" \\ and\na newline'
;;
CREATE TABLE product (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, net DECIMAL(12, 2) COMMENT 'before tax',
  gross DECIMAL(20, 2) GENERATED ALWAYS AS (net * 1.19) STORED, shout VARCHAR(100) AS (UPPER(name)) VIRTUAL, size ENUM('S', 'M', 'it''s', 'naïve "q"', 'back\\slash') DEFAULT 'M',
  tags SET('a', 'b', 'c d'), fan BIGINT UNSIGNED, changed TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), description TEXT,
  KEY shouted (shout), FULLTEXT KEY words (description), CONSTRAINT fans FOREIGN KEY (fan) REFERENCES customer (id) ON UPDATE CASCADE)
;;
INSERT INTO customer (id, email, favourite, secret) VALUES (1000, 'a@example.org', 1, 1), (2000, 'b@example.org', NULL, NULL), (18446744073709551614, 'last@example.org', 2, DEFAULT)
;;
INSERT INTO product (id, name, net, size, tags, fan, changed, description) VALUES (-5, 'Ärmel', 10, 'S', 'a,c d', 1000, '1970-01-01 00:00:01.000001', ''),
  (1, 'Zug 🧵', -9999999999.99, NULL, '', NULL, '2038-01-19 03:14:07.999999', NULL), (2, 'x', 9999999999.99, 'back\\slash', NULL, 2000, '2026-03-29 01:30:00', 'words')
;;
CREATE TABLE awkward (n INT PRIMARY KEY, t LONGTEXT, b LONGBLOB, bin BINARY(4), vb VARBINARY(20), ch CHAR(5), j JSON, bits BIT(64), one BIT(1), dec_ DECIMAL(65, 30), f FLOAT, d DOUBLE,
  da DATE, ti TIME(6), dt DATETIME(6), ts TIMESTAMP NULL, y YEAR, tiny TINYINT, big BIGINT UNSIGNED, g GEOMETRY, l1 TEXT CHARACTER SET latin1, u UUID, ip INET6)
;;
INSERT INTO awkward (n, t) VALUES (1, NULL), (2, ''), (3, 'NULL'), (4, '\\N'), (5, 'tab\there\r\nand \\ back'), (6, 'quote \' " ` %s % _ ;-- /* */ #'), (7, 'nul \0 and \Z end'),
  (8, 'żółć 漢字 🧵👩‍👩‍👧'), (9, REPEAT('long ', 400000)), (10, '\n'), (11, ' lead and trail '), (12, '\\'), (13, '-- Dump completed on 2026-01-01  1:02:03\n'), (14, 'INSERT INTO `x` VALUES (1),(2);\n/*!40000 ALTER TABLE `x` ENABLE KEYS */;')
;;
INSERT INTO awkward (n, b, bin, vb) VALUES (20, '', '', ''), (21, x'00', x'00', x'00'), (22, x'27225c0a0d1a00', x'ff', x'2700'), (23, REPEAT(x'00ff5c2722', 200000), x'00000000', NULL)
;;
INSERT INTO awkward (n, bits, one, dec_, f, d, tiny, big) VALUES (30, b'0', b'0', 0, 0, 0, -128, 0), (31, ~0, b'1', 99999999999999999999999999999999999.999999999999999999999999999999, 3.40282e38, 1.7976931348623157e308, 127, 18446744073709551615),
  (32, 39, b'1', -0.000000000000000000000000000001, 1.17549e-38, 2.2250738585072014e-308, 0, 1), (33, NULL, NULL, NULL, 0.1, 0.1, NULL, NULL), (34, 92, NULL, 1, 16777216, 123456789.123456789, 1, 2)
;;
INSERT IGNORE INTO awkward (n, da, ti, dt, ts, y) VALUES (40, '0000-00-00', '-838:59:59.999999', '0000-00-00 00:00:00', NULL, 0), (41, '9999-12-31', '838:59:59.999999', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', 2155),
  (42, '2026-00-00', '00:00:00.000001', '2026-01-00 00:00:00', '2026-10-25 00:30:00', 1901), (43, '1000-01-01', '24:00:00', '2026-02-28 12:00:00.5', '2026-10-25 01:30:00', 2026)
;;
INSERT INTO awkward (n, j, g, ch, l1, u, ip) VALUES (50, '{"a": [1, null, "\\n\\"é🧵"], "kept":  1e400}', ST_GeomFromText('POINT(1.5 -2)', 4326), 'a', 'äöü€', '00000000-0000-0000-0000-000000000001', '::ffff:10.0.0.1'),
  (51, 'null', ST_GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))'), '', '', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '::')
;;
CREATE TABLE zero_id (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v TEXT)
;;
INSERT INTO zero_id VALUES (5, 'five'), (900, 'after a gap')
;;
UPDATE zero_id SET id = 0 WHERE id = 5
;;
CREATE TABLE no_rows (a INT, b TEXT)
;;
CREATE TABLE no_key (a INT, b TEXT)
;;
INSERT INTO no_key VALUES (1, 'twice'), (1, 'twice'), (NULL, NULL)
;;
CREATE TABLE places (p POINT NOT NULL, SPATIAL KEY (p))
;;
INSERT INTO places VALUES (ST_GeomFromText('POINT(0 0)')), (ST_GeomFromText('POINT(-180 90)'))
;;
CREATE TABLE old_engine (id INT PRIMARY KEY, v TEXT) ENGINE = MyISAM
;;
INSERT INTO old_engine VALUES (1, 'myisam')
;;
CREATE TABLE aria (id INT PRIMARY KEY, v TEXT) ENGINE = Aria TRANSACTIONAL = 1 PAGE_CHECKSUM = 1
;;
INSERT INTO aria VALUES (1, 'aria')
;;
CREATE TABLE in_memory (id INT PRIMARY KEY) ENGINE = MEMORY
;;
CREATE TABLE packed (id INT PRIMARY KEY, v TEXT, w TEXT COMPRESSED) ROW_FORMAT = COMPRESSED KEY_BLOCK_SIZE = 8
;;
INSERT INTO packed SELECT seq, REPEAT(MD5(seq), 50), REPEAT('w', 2000) FROM seq_1_to_200
;;
CREATE TABLE kept_history (id INT PRIMARY KEY, v TEXT) WITH SYSTEM VERSIONING
;;
INSERT INTO kept_history VALUES (1, 'before'), (2, 'deleted later')
;;
UPDATE kept_history SET v = 'after' WHERE id = 1
;;
DELETE FROM kept_history WHERE id = 2
;;
CREATE TABLE valid_for (id INT, valid_from DATE, valid_to DATE, PERIOD FOR validity (valid_from, valid_to), UNIQUE (id, validity WITHOUT OVERLAPS))
;;
INSERT INTO valid_for VALUES (1, '2026-01-01', '2026-02-01'), (1, '2026-02-01', '9999-12-31')
;;
CREATE TABLE sale (id INT, day DATE NOT NULL, amount DECIMAL(9, 2)) PARTITION BY RANGE (YEAR(day)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2
  (PARTITION p2025 VALUES LESS THAN (2026), PARTITION p2026 VALUES LESS THAN (2027), PARTITION rest VALUES LESS THAN MAXVALUE)
;;
INSERT INTO sale SELECT seq, '2025-01-01' + INTERVAL seq DAY, seq * 1.5 FROM seq_1_to_900
;;
CREATE TABLE node (id INT PRIMARY KEY, parent INT NOT NULL, CONSTRAINT up FOREIGN KEY (parent) REFERENCES node (id))
;;
INSERT INTO node VALUES (1, 2), (2, 3), (3, 1)
;;
CREATE TABLE `back``tick "q" 'a' 100% dot.dot` (`select` INT, `a``b` TEXT, `line
break` TEXT, `ünï漢` TEXT, ` lead` TEXT, `$x {y}` TEXT, `back\slash` TEXT)
;;
INSERT INTO `back``tick "q" 'a' 100% dot.dot` VALUES (1, 'a', 'b', 'c', 'd', 'e', 'f')
;;
CREATE TABLE `line
break` (id INT)
;;
INSERT INTO `line
break` VALUES (1), (2)
;;
CREATE TABLE `Order` (`key` INT, KEY `index` (`key` DESC))
;;
INSERT INTO `Order` VALUES (3)
;;
CREATE TABLE `-- Table structure for table ``x``` (id INT)
;;
CREATE TABLE `back\slash/ünï 漢` (id INT DEFAULT (1 + 1))
;;
CREATE SEQUENCE countdown START WITH 100 INCREMENT BY -3 MINVALUE -1000 MAXVALUE 100 CACHE 5 CYCLE
;;
SELECT NEXTVAL(countdown), NEXTVAL(countdown)
;;
CREATE SEQUENCE never_used
;;
CREATE TABLE from_sequence (id BIGINT DEFAULT NEXTVAL(never_used) PRIMARY KEY)
;;
CREATE VIEW a_cheap AS SELECT id, name, net FROM product WHERE net < 100 WITH CASCADED CHECK OPTION
;;
CREATE SQL SECURITY INVOKER VIEW `z view` AS SELECT COUNT(*) AS `how many`, 'it''s' AS `q"` FROM a_cheap
;;
CREATE VIEW a_on_z AS SELECT `how many` + 1 AS more FROM `z view`
;;
CREATE FUNCTION add_vat(net DECIMAL(12, 2)) RETURNS DECIMAL(12, 2) DETERMINISTIC COMMENT 'it''s a tax' RETURN ROUND(net * 1.19, 2)
;;
CREATE AGGREGATE FUNCTION product_of(x DOUBLE) RETURNS DOUBLE
BEGIN
  DECLARE p DOUBLE DEFAULT 1;
  DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN p;
  LOOP FETCH GROUP NEXT ROW; SET p = p * x; END LOOP;
END
;;
CREATE DEFINER = 'nobody'@'nowhere.example' PROCEDURE `odd ;; name $$`(IN factor DOUBLE, OUT n INT) SQL SECURITY INVOKER
BEGIN
  -- a comment with a delimiter: ;; and a quote: '
  UPDATE product SET net = net * factor WHERE name <> '\\;;';
  SET n = ROW_COUNT();
END
;;
CREATE TRIGGER first_trigger BEFORE INSERT ON zero_id FOR EACH ROW SET NEW.v = CONCAT(NEW.v, ';;\'')
;;
CREATE TRIGGER second_trigger BEFORE INSERT ON zero_id FOR EACH ROW FOLLOWS first_trigger BEGIN SET @seen = 1; SET @seen = 2; END
;;
CREATE TRIGGER after_it AFTER DELETE ON zero_id FOR EACH ROW SET @gone = OLD.id
;;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'at night' DO DELETE FROM no_rows
;;
CREATE EVENT `one time` ON SCHEDULE AT '2035-01-01 00:00:00' DO BEGIN SET @x = 1; SET @y = ';'; END
;;
SET SESSION foreign_key_checks = 1
;;
