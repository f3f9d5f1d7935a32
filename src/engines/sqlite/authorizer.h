#pragma once

#include <string>
#include <string_view>

struct sqlite3;

namespace athena::sqlite {

/// What SQL written by callers may do on a connection, asked by SQLite while it compiles such text and while
/// that runs (a view, a table function or VACUUM compile more then). Refused are ATTACH, DETACH,
/// load_extension, VACUUM INTO and every PRAGMA but `table_info, table_xinfo, index_list, index_info,
/// index_xinfo, foreign_key_list, table_list, user_version, integrity_check`. Athena's own statements are not
/// looked at. One per connection, on the connection's thread.
class Authorizer {
 public:
  /// What the statement compiled last was seen to do.
  struct Findings {
    bool changes_rows = false;    ///< INSERT, UPDATE or DELETE on a table of the caller
    bool changes_schema = false;  ///< CREATE, DROP, ALTER, REINDEX, ANALYZE
    bool temporary = false;       ///< touches the temporary schema, which belongs to the connection
    std::string transaction;      ///< BEGIN, COMMIT, ROLLBACK
    std::string savepoint;        ///< BEGIN, RELEASE, ROLLBACK
    std::string savepoint_name;
    std::string_view refused = {};  ///< what was refused: "ATTACH", "this PRAGMA" …; empty = nothing
    bool lengthy = false;           ///< refused only here, as it cannot be interrupted
  };

  /// For good, on a new connection. Setting it later would make SQLite compile every statement anew.
  void install(sqlite3* connection);
  [[nodiscard]] const Findings& findings() const { return findings_; }

  /// While it lives, what is compiled and run is a caller's.
  class Scope {
   public:
    struct What {
      bool pragma = false;   ///< the statement is itself a PRAGMA
      bool vacuum = false;   ///< the statement is a VACUUM, which attaches a database without name
      bool hurried = false;  ///< on a shard: nothing that cannot be interrupted
    };
    Scope(Authorizer& authorizer, What what);
    ~Scope() { authorizer_.active_ = false; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Authorizer& authorizer_;
  };

 private:
  int check(int action, const char* first, const char* second, const char* schema);
  int check_pragma(std::string_view name, bool with_argument);
  int refuse(std::string_view what);

  bool active_ = false;
  Scope::What what_;
  Findings findings_;
};

}  // namespace athena::sqlite
