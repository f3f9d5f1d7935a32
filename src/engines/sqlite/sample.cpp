#include "engines/sqlite/sample.h"

#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

#include "engines/sqlite/errors.h"
#include "engines/sqlite/sample_schema.h"

namespace athena::sqlite {
namespace {

using contract::Result;

constexpr int kCustomers = 5000;
constexpr int kSuppliers = 80;
constexpr int kProducts = 1200;
constexpr int kWarehouses = 6;
constexpr int kEmployees = 150;
constexpr int kOrders = 12000;
constexpr int kReviews = 6000;

constexpr std::array<std::string_view, 40> kFirstNames{
    "Ada",   "Noah", "Mia",    "Liam",  "Zoë",   "Omar",  "Ines", "Jonas",  "Aiko",  "Leo",
    "Nora",  "Ivan", "Sofia",  "Hugo",  "Léa",   "Karim", "Elif", "Tom",    "Freya", "Mateo",
    "Chloé", "Amir", "Hanna",  "Ravi",  "Greta", "Luca",  "Maya", "Oskar",  "Sara",  "Björn",
    "Yuki",  "Adam", "Camila", "Felix", "Nina",  "Pavel", "Rosa", "Viktor", "Wen",   "Élise"};
constexpr std::array<std::string_view, 40> kLastNames{
    "Lovelace", "Martin", "Dubois", "Peeters",  "Silva",    "Novák",  "Tanaka",   "Müller",
    "Rossi",    "García", "Jensen", "Kowalski", "Okafor",   "Singh",  "Haddad",   "Larsen",
    "Moreau",   "Weber",  "Costa",  "Ivanov",   "Janssens", "Nguyen", "Smith",    "O'Brien",
    "Kaya",     "Popov",  "Berg",   "Romano",   "Fischer",  "Lopez",  "Virtanen", "Bauer",
    "Chen",     "Ahmed",  "Maes",   "Duarte",   "Nagy",     "Horvat", "Lindgren", "Schmidt"};
struct City {
  std::string_view name, country;
};
constexpr std::array<City, 16> kCities{{{"Ghent", "BE"},
                                        {"Antwerp", "BE"},
                                        {"Paris", "FR"},
                                        {"Lyon", "FR"},
                                        {"Berlin", "DE"},
                                        {"München", "DE"},
                                        {"Madrid", "ES"},
                                        {"Sevilla", "ES"},
                                        {"Lisbon", "PT"},
                                        {"Porto", "PT"},
                                        {"Rome", "IT"},
                                        {"Milan", "IT"},
                                        {"Oslo", "NO"},
                                        {"København", "DK"},
                                        {"Vienna", "AT"},
                                        {"Prague", "CZ"}}};
constexpr std::array<std::string_view, 6> kMainCategories{"Home",   "Garden", "Electronics",
                                                          "Sports", "Books",  "Toys"};
constexpr std::array<std::string_view, 3> kSubcategories{"Basics", "Premium", "Accessories"};
constexpr std::array<std::string_view, 16> kAdjectives{
    "Quiet",  "Solid",  "Bright", "Compact", "Classic", "Nordic", "Smart",   "Light",
    "Rugged", "Modern", "Tiny",   "Grand",   "Warm",    "Swift",  "Folding", "Handmade"};
constexpr std::array<std::string_view, 20> kThings{"Lamp",     "Kettle", "Chair",   "Backpack", "Speaker",
                                                   "Notebook", "Tent",   "Drill",   "Puzzle",   "Headset",
                                                   "Planter",  "Bottle", "Blanket", "Clock",    "Bicycle",
                                                   "Router",   "Mug",    "Racket",  "Atlas",    "Keyboard"};
constexpr std::array<std::string_view, 8> kColours{"black", "white", "blue", "green",
                                                   "red",   "oak",   "grey", "yellow"};
constexpr std::array<std::string_view, 5> kStatuses{"new", "paid", "shipped", "delivered", "cancelled"};
constexpr std::array<std::string_view, 4> kMethods{"card", "transfer", "paypal", "voucher"};
constexpr std::array<std::string_view, 5> kCarriers{"bpost", "DHL", "UPS", "GLS", "DPD"};
constexpr std::array<std::string_view, 7> kTitles{
    "Sales associate", "Buyer", "Accountant", "Warehouse clerk", "Support agent", "Analyst", "Team lead"};
constexpr std::array<std::string_view, 5> kReviewTitles{"Disappointing", "Not great", "It is fine",
                                                        "Good value", "Love it"};
constexpr std::array<std::string_view, 6> kReviewTexts{
    "Arrived on time and works as described.", "The colour is different from the picture.",
    "Would buy it again, also as a present.",  "Broke after two weeks; support was friendly, though.",
    "Does what it should, nothing more.",      "Better than the old one in every way."};

/// splitmix64: small, and the same on every machine.
class Random {
 public:
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  int below(int limit) { return static_cast<int>(next() % static_cast<std::uint64_t>(limit)); }
  int between(int low, int high) { return low + below(high - low + 1); }
  bool chance(int percent) { return below(100) < percent; }
  template <class T, std::size_t n>
  const T& pick(const std::array<T, n>& from) {
    return from[static_cast<std::size_t>(below(static_cast<int>(n)))];
  }
  double cents(int low, int high) { return between(low, high) / 100.0; }

 private:
  std::uint64_t state_ = 2026;
};

constexpr std::int64_t kFirstDay = 1672531200;  // 2023-01-01 in Unix seconds
constexpr int kDays = 1095;

std::string format_time(std::int64_t seconds, const char* format) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 40> text;
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}
std::string timestamp(std::int64_t seconds) {
  return format_time(seconds, "%Y-%m-%dT%H:%M:%S+00:00");
}
std::string date(std::int64_t seconds) {
  return format_time(seconds, "%Y-%m-%d");
}

/// An INSERT with as many values as it is given.
class Inserter {
 public:
  Inserter(sqlite3* database, const std::string& table, int columns) {
    std::string sql = "INSERT INTO " + table + " VALUES (?";
    for (int i = 1; i < columns; ++i) sql += ", ?";
    code_ = sqlite3_prepare_v2(database, (sql + ")").c_str(), -1, &statement_, nullptr);
  }
  ~Inserter() { sqlite3_finalize(statement_); }
  Inserter(const Inserter&) = delete;
  Inserter& operator=(const Inserter&) = delete;

  template <class... Values>
  void operator()(const Values&... values) {
    if (code_ != SQLITE_OK) return;
    int position = 0;
    (bind(++position, values), ...);
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_DONE) code_ = code;
    sqlite3_reset(statement_);
  }
  [[nodiscard]] int code() const { return code_; }

 private:
  void bind(int position, std::string_view text) {
    sqlite3_bind_text(statement_, position, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  }
  void bind(int position, const std::string& text) { bind(position, std::string_view(text)); }
  void bind(int position, int number) { sqlite3_bind_int(statement_, position, number); }
  void bind(int position, double number) { sqlite3_bind_double(statement_, position, number); }
  void bind(int position, std::nullptr_t) { sqlite3_bind_null(statement_, position); }
  template <class T>
  void bind(int position, const std::optional<T>& value) {
    if (value) {
      bind(position, *value);
    } else {
      bind(position, nullptr);
    }
  }

  sqlite3_stmt* statement_ = nullptr;
  int code_ = SQLITE_OK;
};

/// Text for an e-mail address: ASCII letters of a name.
std::string plain(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') text += static_cast<char>(c + 32);
    if (c >= 'a' && c <= 'z') text += c;
  }
  return text;
}

class Shop {
 public:
  explicit Shop(sqlite3* database) : db_(database) {}

  int fill() {
    people();
    goods();
    stock();
    sales();
    opinions();
    return code_;
  }

 private:
  void check(const Inserter& inserter) {
    if (code_ == SQLITE_OK) code_ = inserter.code();
  }
  std::int64_t moment() { return kFirstDay + random_.below(kDays) * 86400 + random_.below(86400); }

  void people() {
    Inserter customers(db_, "customers", 11);
    for (int id = 1; id <= kCustomers; ++id) {
      const auto first = random_.pick(kFirstNames);
      const auto last = random_.pick(kLastNames);
      const City& city = random_.pick(kCities);
      std::optional<std::string> phone;
      if (random_.chance(70)) phone = "+32 4" + std::to_string(random_.between(10000000, 99999999));
      std::optional<double> credit;
      if (random_.chance(60)) credit = random_.between(1, 50) * 100.0;
      const std::string preferences = std::string(R"({"newsletter":)") +
                                      (random_.chance(40) ? "true" : "false") + R"(,"language":")" +
                                      (city.country == "FR" ? "fr" : "en") + R"(","theme":")" +
                                      (random_.chance(50) ? "dark" : "light") + "\"}";
      customers(id, first, last, plain(first) + "." + plain(last) + std::to_string(id) + "@example.com",
                phone, city.name, city.country, random_.chance(8) ? 1 : 0, credit, preferences,
                timestamp(moment()));
    }
    check(customers);
    Inserter employees(db_, "employees", 9);
    for (int id = 1; id <= kEmployees; ++id) {
      const auto first = random_.pick(kFirstNames);
      const auto last = random_.pick(kLastNames);
      const std::optional<int> manager = id == 1 ? std::nullopt : std::optional<int>((id + 6) / 8);
      employees(id, manager, first, last,
                plain(first) + "." + plain(last) + std::to_string(id) + "@shop.example",
                id == 1 ? std::string_view("Director") : random_.pick(kTitles),
                random_.between(2400, 7800) * 1.0, date(moment()), random_.chance(92) ? 1 : 0);
    }
    check(employees);
  }

  void goods() {
    Inserter categories(db_, "categories", 4);
    int id = 0;
    std::vector<int> leaves;
    for (const auto main : kMainCategories) {
      const int parent = ++id;
      categories(parent, nullptr, main, std::string("Everything for ") + std::string(main));
      for (const auto sub : kSubcategories) {
        categories(++id, parent, std::string(main) + " " + std::string(sub), nullptr);
        leaves.push_back(id);
      }
    }
    check(categories);
    Inserter suppliers(db_, "suppliers", 5);
    for (int supplier = 1; supplier <= kSuppliers; ++supplier) {
      suppliers(supplier, std::string(random_.pick(kLastNames)) + " & Co " + std::to_string(supplier),
                random_.pick(kCities).country, "sales" + std::to_string(supplier) + "@supplier.example",
                random_.between(20, 50) / 10.0);
    }
    check(suppliers);
    Inserter products(db_, "products", 10);
    for (int product = 1; product <= kProducts; ++product) {
      const auto colour = random_.pick(kColours);
      const double price = random_.cents(299, 49999);
      prices_.push_back(price);
      const std::string attributes = R"({"colour":")" + std::string(colour) + R"(","warranty_months":)" +
                                     std::to_string(12 * random_.between(1, 5)) + R"(,"tags":[")" +
                                     (random_.chance(30) ? "new" : "regular") + R"(","eco"]})";
      products(product, "SKU-" + std::to_string(100000 + product),
               std::string(random_.pick(kAdjectives)) + " " + std::string(random_.pick(kThings)) + " " +
                   std::string(colour),
               leaves[static_cast<std::size_t>(random_.below(static_cast<int>(leaves.size())))],
               random_.between(1, kSuppliers), price, random_.between(5, 2500) / 100.0,
               random_.chance(6) ? 1 : 0, attributes, date(moment()));
    }
    check(products);
  }

  void stock() {
    Inserter warehouses(db_, "warehouses", 4);
    for (int id = 1; id <= kWarehouses; ++id) {
      const City& city = kCities[static_cast<std::size_t>(id) * 2];
      warehouses(id, "WH" + std::to_string(id), city.name, city.country);
    }
    check(warehouses);
    Inserter inventory(db_, "inventory", 5);
    for (int warehouse = 1; warehouse <= kWarehouses; ++warehouse) {
      for (int product = 1; product <= kProducts; ++product) {
        if (random_.chance(85))
          inventory(warehouse, product, random_.below(400), random_.between(5, 40), timestamp(moment()));
      }
    }
    check(inventory);
  }

  void sales() {
    Inserter orders(db_, "orders", 9);
    Inserter items(db_, "order_items", 6);
    Inserter payments(db_, "payments", 7);
    Inserter shipments(db_, "shipments", 7);
    int item = 0;
    int payment = 0;
    int shipment = 0;
    for (int id = 1; id <= kOrders; ++id) {
      struct Line {
        int product, quantity;
        double price, discount;
      };
      std::vector<Line> lines;
      std::int64_t total_cents = 0;
      for (int count = random_.between(1, 4); count > 0; --count) {
        const int product = random_.between(1, kProducts);
        const Line line{product, random_.between(1, 3), prices_[static_cast<std::size_t>(product - 1)],
                        random_.chance(15) ? 0.1 : 0.0};
        total_cents += std::llround(line.quantity * line.price * (1 - line.discount) * 100);
        lines.push_back(line);
      }
      const double total = static_cast<double>(total_cents) / 100.0;
      const std::int64_t ordered = moment();
      const auto status = random_.pick(kStatuses);
      std::optional<int> employee;
      if (random_.chance(40)) employee = random_.between(1, kEmployees);
      std::optional<std::string_view> note;
      if (random_.chance(10)) note = "Please leave it with the neighbours.";
      orders(id, "A-" + std::to_string(100000 + id), random_.between(1, kCustomers), employee, status,
             timestamp(ordered), total, random_.chance(7) ? 1 : 0, note);
      for (const auto& line : lines)
        items(++item, id, line.product, line.quantity, line.price, line.discount);
      if (status == "new" || status == "cancelled") continue;
      const auto method = random_.pick(kMethods);
      ++payment;
      payments(payment, id, method, total, timestamp(ordered + random_.between(60, 7200)), 1,
               R"({"reference":"P)" + std::to_string(500000 + payment) + R"(","provider":")" +
                   std::string(method) + "\"}");
      if (status == "paid") continue;
      const std::int64_t shipped = ordered + random_.between(1, 4) * 86400;
      std::optional<std::string> delivered;
      if (status == "delivered") delivered = timestamp(shipped + random_.between(1, 6) * 86400);
      ++shipment;
      shipments(shipment, id, random_.between(1, kWarehouses), random_.pick(kCarriers),
                "TRK" + std::to_string(7000000 + shipment), timestamp(shipped), delivered);
    }
    check(orders);
    check(items);
    check(payments);
    check(shipments);
  }

  void opinions() {
    Inserter reviews(db_, "reviews", 8);
    for (int id = 1; id <= kReviews; ++id) {
      const int rating = 5 - random_.below(random_.between(1, 5));
      std::optional<std::string_view> body;
      if (random_.chance(75)) body = random_.pick(kReviewTexts);
      reviews(id, random_.between(1, kProducts), random_.between(1, kCustomers), rating,
              kReviewTitles[static_cast<std::size_t>(rating - 1)], body, random_.chance(65) ? 1 : 0,
              timestamp(moment()));
    }
    check(reviews);
  }

  sqlite3* db_;
  Random random_;
  std::vector<double> prices_;
  int code_ = SQLITE_OK;
};

int build(const std::string& path) {
  sqlite3* database = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  const auto run = [&](const char* sql) {
    if (code == SQLITE_OK) code = sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
  };
  // Nobody sees the file before it is complete, so it needs no journal.
  run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
  run(kSampleSchema);
  if (code == SQLITE_OK) code = Shop(database).fill();
  run("COMMIT; ANALYZE; PRAGMA synchronous = FULL");
  sqlite3_close(database);
  return code;
}

}  // namespace

Result<bool> create_sample(const std::string& path) {
  if (access(path.c_str(), F_OK) == 0) return false;
  const std::string unfinished = path + ".new-" + std::to_string(getpid());
  unlink(unfinished.c_str());
  const int code = build(unfinished);
  // link() refuses to replace a file that has come into being meanwhile.
  const bool made = code == SQLITE_OK && link(unfinished.c_str(), path.c_str()) == 0;
  unlink(unfinished.c_str());
  if (code != SQLITE_OK) return database_error(code, sqlite3_errstr(code));
  return made;
}

}  // namespace athena::sqlite
