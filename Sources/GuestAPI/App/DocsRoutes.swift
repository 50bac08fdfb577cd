import Foundation
import GuestModels
import HTTPTypes

/// The OpenAPI document and a page to browse it with.
enum DocsRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "showOpenAPI": openAPI, "showDocs": docs, "showDocsFile": file,
    ]

    private static func openAPI(_ call: Call) async throws -> Answer {
        try read(URL(filePath: call.app.settings.openAPI), "application/yaml").tagged(for: call)
    }

    private static func docs(_ call: Call) async throws -> Answer {
        let page: HTML = """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><title>Voorpret</title>
            <link rel="stylesheet" href="/docs/swagger-ui.css"></head><body><div id="ui"></div>
            <script src="/docs/swagger-ui-bundle.js"></script>
            <script>SwaggerUIBundle({ url: "/openapi.yaml", dom_id: "#ui", deepLinking: true })</script>
            </body></html>
            """
        return Answer(
            status: .ok,
            headers: [HTTPField(name: .contentType, value: "text/html; charset=utf-8")],
            body: Array(page.markup.utf8)
        )
    }

    /// Answers with a file of the API viewer, which the set-up has fetched; no other file of the folder is shown.
    private static func file(_ call: Call) async throws -> Answer {
        let types = ["swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"]
        let name = try call.path(Paths.docsFile)
        guard let type = types[name] else { throw Refusal.notFound }
        return try read(
            URL(filePath: call.app.settings.stateFolder).appending(path: "docs").appending(path: name),
            type
        )
        .tagged(for: call)
    }

    private static func read(_ url: URL, _ type: String) throws -> Answer {
        guard let data = try? Data(contentsOf: url) else { throw Refusal.notFound }
        return Answer(status: .ok, headers: [HTTPField(name: .contentType, value: type)], body: Array(data))
    }
}
