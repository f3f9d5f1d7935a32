#include "engines/sqltext/used_names.h"

#include <algorithm>
#include <array>

namespace athena::sqltext {
namespace {

// Kinds of nodes that are understood: they run nothing but what their names say.
constexpr auto kKnown = std::to_array<std::string_view>(
    {"SelectStmt", "ResTarget",     "ColumnRef",      "A_Const",         "A_Star",
     "A_Expr",     "BoolExpr",      "FuncCall",       "TypeCast",        "TypeName",
     "String",     "Integer",       "Float",          "Boolean",         "List",
     "RangeVar",   "Alias",         "JoinExpr",       "NullTest",        "BooleanTest",
     "CaseExpr",   "CaseWhen",      "CoalesceExpr",   "MinMaxExpr",      "SubLink",
     "SortBy",     "ParamRef",      "RangeSubselect", "RangeFunction",   "A_ArrayExpr",
     "RowExpr",    "A_Indirection", "A_Indices",      "CommonTableExpr", "SQLValueFunction",
     "WindowDef",  "GroupingSet",   "GroupingFunc",   "CollateClause",   "BitString"});

bool escaped(std::string_view text) {
  return text.find('\\') != std::string_view::npos;
}

class Collector {
 public:
  Collector(const Tree& tree, UsedNames& names) : tree_(tree), names_(names) {}

  void look_at(std::uint32_t index) {
    const auto& node = tree_[index];
    const auto key = node.key;
    if (key.empty() || !node.container) return;
    if (key[0] >= 'A' && key[0] <= 'Z' && std::ranges::find(kKnown, key) == kKnown.end()) plain_ = false;
    if (key == "RangeVar" || key == "relation") {
      relation(index);
    } else if (key == "FuncCall") {
      qualified(tree_.child(index, "funcname"), names_.functions);
    } else if (key == "typeName" || key == "TypeName") {
      qualified(tree_.child(index, "names"), names_.types);
    } else if (key == "A_Expr") {
      operation(index);
    } else if (key == "SubLink" || key == "SortBy") {
      // Operators written as OPERATOR(…), ANY and ALL, USING.
      const auto list = tree_.child(index, key == "SubLink" ? "operName" : "useOp");
      if (list != Tree::kNone) qualified(list, names_.operators);
    } else if (key == "ColumnRef") {
      column(tree_.child(index, "fields"));
    } else if (key == "A_Indirection") {
      indirection(tree_.child(index, "indirection"));
    } else if (key == "CommonTableExpr") {
      ctes_.push_back(tree_.text(index, "ctename"));
    } else if (key == "withClause") {
      if (!tree_.text(index, "recursive").empty()) plain_ = false;  // may never end
    }
  }

  bool finish() {
    for (auto& relation : names_.relations) {
      relation.maybe_cte = relation.schema.empty() && std::ranges::find(ctes_, relation.name) != ctes_.end();
    }
    // What no node names: IN, USING, NATURAL, CASE x WHEN, BETWEEN, NULLIF.
    for (const std::string_view implied : {"=", "<>", "<=", ">="}) add(names_.operators, implied);
    return plain_;
  }

 private:
  static void add(std::vector<std::string>& to, std::string_view name) {
    if (std::ranges::find(to, name) == to.end()) to.emplace_back(name);
  }
  void add_checked(std::vector<std::string>& to, std::string_view name) {
    if (escaped(name) || name.empty() || to.size() >= kMost) {
      plain_ = false;
    } else {
      add(to, name);
    }
  }

  void relation(std::uint32_t index) {
    const auto name = tree_.text(index, "relname"), schema = tree_.text(index, "schemaname");
    if (name.empty()) {
      if (tree_[index].key == "RangeVar") plain_ = false;
      return;
    }
    if (!tree_.text(index, "catalogname").empty() || escaped(name) || escaped(schema) ||
        names_.relations.size() >= kMost) {
      plain_ = false;
      return;
    }
    RelationName relation{std::string(schema), std::string(name), false};
    if (std::ranges::find(names_.relations, relation) == names_.relations.end())
      names_.relations.push_back(std::move(relation));
  }

  void qualified(std::uint32_t list, std::vector<std::string>& to) {
    parts_.clear();
    if (list == Tree::kNone || !read_names(tree_, list, parts_) || parts_.empty() || parts_.size() > 2 ||
        (parts_.size() == 2 && parts_.front() != "pg_catalog")) {
      plain_ = false;
      return;
    }
    add_checked(to, parts_.back());
  }

  void operation(std::uint32_t index) {
    const auto kind = tree_.text(index, "kind");
    if (kind.starts_with("AEXPR_BETWEEN") || kind.starts_with("AEXPR_NOT_BETWEEN")) return;
    const auto list = tree_.child(index, "name");
    if (list != Tree::kNone) qualified(list, names_.operators);
  }

  void column(std::uint32_t fields) {
    if (fields == Tree::kNone) return;
    auto item = tree_.first_child(fields);
    if (item == Tree::kNone) return;
    // The first may be a column of its own; what follows is an attribute of it, or a function.
    for (item = tree_.next_sibling(item); item != Tree::kNone; item = tree_.next_sibling(item)) {
      const auto string = tree_.child(item, "String");
      if (string != Tree::kNone) add_checked(names_.attributes, tree_.text(string, "sval"));
    }
  }

  void indirection(std::uint32_t list) {
    if (list == Tree::kNone) return;
    for (auto item = tree_.first_child(list); item != Tree::kNone; item = tree_.next_sibling(item)) {
      const auto string = tree_.child(item, "String");
      if (string != Tree::kNone) add_checked(names_.attributes, tree_.text(string, "sval"));
    }
  }

  static constexpr std::size_t kMost = 64;
  const Tree& tree_;
  UsedNames& names_;
  std::vector<std::string_view> ctes_, parts_;
  bool plain_ = true;
};

}  // namespace

bool read_names(const Tree& tree, std::uint32_t list, std::vector<std::string_view>& names) {
  for (auto item = tree.first_child(list); item != Tree::kNone; item = tree.next_sibling(item)) {
    const auto string = tree.child(item, "String");
    if (string == Tree::kNone) return false;
    names.push_back(tree.text(string, "sval"));
  }
  return true;
}

bool collect_names(const Tree& tree, std::uint32_t begin, std::uint32_t end, UsedNames& names) {
  Collector collector(tree, names);
  for (std::uint32_t index = begin; index < end; ++index) collector.look_at(index);
  return collector.finish();
}

}  // namespace athena::sqltext
