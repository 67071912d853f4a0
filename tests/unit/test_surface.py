"""The surface: routes and operations fit each other, and each operation names its policy."""

from chassis.operations import Operation, operations_of
from gateway.routes import all_routes
from gateway.routing import PLACEHOLDER, by_path
from kiroku.system import specs


def operations() -> dict[str, Operation]:
    return {f"{name}.{op}": found for name, spec in specs().items() for op, found in spec.operations().items()}


def test_every_route_has_an_operation_that_takes_its_path() -> None:
    known = operations()
    for route in all_routes():
        if isinstance(route.operation, str):
            taken = {parameter.name for parameter in known[route.operation].path}
            assert taken == set(PLACEHOLDER.findall(route.path)), route


def test_no_route_is_declared_twice() -> None:
    assert len(by_path(all_routes())) > 100


def test_no_handwritten_operation_takes_the_name_of_a_generic_one_with_another_path() -> None:
    for spec in specs().values():
        generic = {name: op for crud in spec.cruds for name, op in crud.operations().items()}
        for room in spec.rooms:
            for name, written in operations_of(room).items():
                assert name not in generic or {p.name for p in written.path} == {p.name for p in generic[name].path}


def test_public_operations_are_few_and_known() -> None:
    public = {name for name, operation in operations().items() if operation.allow.name == "public"}
    resets = {"auth.request_reset", "auth.reset_password", "auth.mail_sign_in_code"}
    assert public == {"auth.login", *resets, "auth.start_saml", "auth.finish_saml", "auth.get_saml_metadata"}
